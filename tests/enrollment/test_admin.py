"""Django's admin is a window: it shows, links to the queue, and changes nothing."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import User
from enrollment.models import CertificationRequest, Status
from pki.models import Certificate
from tests.enrollment.acts import ask

pytestmark = pytest.mark.usefixtures("no_signer")


def test_the_request_list_links_to_the_queue(alice: User) -> None:
    request = ask(alice)
    window = admin.site._registry[CertificationRequest]
    assert reverse("enrollment:review", args=[request.pk]) in window.queue(request)


@pytest.mark.parametrize("model", [CertificationRequest, Certificate])
def test_nothing_is_added_changed_or_deleted_there(model: type, rf: object) -> None:
    window = admin.site._registry[model]
    request = rf.get("/")
    allowed = (window.has_add_permission, window.has_change_permission, window.has_delete_permission)
    assert not any(allows(request) for allows in allowed)


def test_an_administrator_looks_through_it_and_can_decide_nothing(
    alice: User, dora: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    request = ask(alice)
    client = sign_in(browser, dora)
    assert client.get(reverse("admin:enrollment_certificationrequest_changelist")).status_code == 200
    one = reverse("admin:enrollment_certificationrequest_change", args=[request.pk])
    assert client.get(one).status_code == 200
    assert client.post(one, {"status": "issued"}).status_code in (403, 404)
    request.refresh_from_db()
    assert request.status == Status.PENDING
