"""The code on paper of a device whose certificate was renewed: old and new end, whichever it was made for."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from enrollment.models import CertificationRequest, Status
from pki import revocation
from pki.models import Certificate
from tests.conftest import Browser, open_session
from tests.portal.test_certificate_pages import is_listed, issued, now_of, paper_code, text

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("signer")]


@pytest.fixture
def home(alice: User) -> Client:
    return open_session(Browser(), alice)


def test_the_paper_ends_what_its_certificate_renewed_as_that_is_on_the_same_phone(
    alice: User, bob: User, home: Client
) -> None:
    old, new = issued(alice, bob), issued(alice, bob)
    CertificationRequest.objects.filter(certificate=new).update(predecessor=old, status=Status.ISSUED)
    Browser().post("/lost", {"code": paper_code(home, new), "confirmed": "1"})
    assert [now_of(found).reason for found in (old, new)] == ["keyCompromise"] * 2


@pytest.mark.parametrize("expired", [False, True])
def test_the_paper_of_before_a_renewal_ends_what_renewed_it(
    alice: User, bob: User, home: Client, expired: bool
) -> None:
    old, new = issued(alice, bob), issued(alice, bob)
    code = paper_code(home, old)
    CertificationRequest.objects.filter(certificate=new).update(predecessor=old, status=Status.ISSUED)
    if expired:
        Certificate.objects.filter(pk=old.pk).update(not_after=timezone.now() - timedelta(days=1))
    else:
        revocation.revoke(old, "superseded", by="housekeeping", address="")
    assert new.subject.replace("'", "&#x27;") in text(Browser().post("/lost", {"code": code}))
    done = text(Browser().post("/lost", {"code": code, "confirmed": "1"}))
    assert "opens nothing any more" in done
    assert now_of(new).reason == "keyCompromise" and is_listed(new)
    assert Browser().post("/lost", {"code": code}).status_code == 422
