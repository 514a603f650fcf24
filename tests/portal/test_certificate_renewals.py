"""Renewing from a certificate's page: what changes, what is replaced, and when the old one ends."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra, replaced, seen
from enrollment.models import CertificationRequest, Status
from pki.models import Certificate
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask, form, thing
from tests.portal.test_certificate_pages import (
    desk,  # noqa: F401 fixtures
    home,  # noqa: F401
    issued,
    now_of,
    phone,  # noqa: F401
    send,
    text,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("signer")]


def test_renewing_says_what_changes_and_the_request_what_it_replaces(
    phone: Certificate,  # noqa: F811
    home: Client,  # noqa: F811
    desk: Client,  # noqa: F811
    alice: User,
    bob: User,
) -> None:
    path = f"/certificates/{phone.pk}/renew"
    page = text(home.get(path))
    assert "a new one, made by the device" in page and "changed" in page
    assert desk.get(path).status_code == 404
    assert home.post(path)["Location"] == "/requests/new"
    name = CertificationRequest.objects.get(certificate=phone).device
    assert f'value="{name}"' in text(home.get("/requests/new"))  # the same again
    device = thing()
    sent = home.post("/requests/new", form(make_csr(), device=device))
    made = CertificationRequest.objects.get(device=device)
    assert made.predecessor_id == phone.pk and str(made.pk) in sent["Location"]
    assert home.get(path)["Location"].endswith(str(made.pk))  # asked once
    assert "Replaces" in text(desk.get(f"/queue/{made.pk}"))
    new = ra.approve(request=made, by=bob, address=HERE).certificate
    assert new is not None
    assert replaced.revoke() == 0
    seen.note(new.pk, address=HERE, at=timezone.now())
    assert replaced.revoke() == 1
    assert now_of(phone).reason == "superseded"
    assert f"/certificates/{phone.pk}" in text(home.get(f"/certificates/{new.pk}"))
    assert AuditEvent.objects.filter(action="request.renews", target=str(made.pk)).exists()


def test_what_was_renewed_and_never_seen_ends_after_a_time(
    alice: User,
    bob: User,
    home: Client,  # noqa: F811
) -> None:
    old = issued(alice, bob)
    home.post(f"/certificates/{old.pk}/renew")
    device = thing()
    home.post("/requests/new", form(make_csr(), device=device))
    made = CertificationRequest.objects.get(device=device)
    new = ra.approve(request=made, by=bob, address=HERE).certificate
    assert new is not None
    long_ago = timezone.now() - replaced.AFTER - timedelta(hours=1)
    assert replaced.revoke() == 0
    Certificate.objects.filter(pk=new.pk).update(issued_at=long_ago)
    assert replaced.revoke() == 1
    assert now_of(old).reason == "superseded"


def test_of_two_renewals_of_the_same_one_replaces_it(alice: User, bob: User) -> None:
    old, first, second = issued(alice, bob), ask(alice, thing()), ask(alice, thing())
    CertificationRequest.objects.filter(pk__in=[first.pk, second.pk]).update(predecessor=old)
    for request in (first, second):
        request.refresh_from_db()
        assert ra.approve(request=request, by=bob, address=HERE).status == Status.ISSUED
    assert [CertificationRequest.objects.get(pk=found.pk).predecessor_id for found in (first, second)] == [
        old.pk,
        None,
    ]


def test_what_one_has_no_more_cannot_be_renewed(
    phone: Certificate,  # noqa: F811
    home: Client,  # noqa: F811
) -> None:
    send(home, phone)
    path = f"/certificates/{phone.pk}"
    assert home.get(f"{path}/renew")["Location"] == path
    assert "Renew it" not in text(home.get(path))
    home.post(f"{path}/renew")
    device = thing()
    home.post("/requests/new", form(make_csr(), device=device))
    assert CertificationRequest.objects.get(device=device).predecessor_id is None
