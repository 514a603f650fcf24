"""The code on paper: without a login, once, and old and new where the certificate was renewed."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import household
from accounts.models import User
from audit.models import AuditEvent
from enrollment import revoking
from enrollment.models import CertificationRequest, PaperCode, Status
from pki import crl, revocation
from pki.models import Certificate
from tests.conftest import Browser, open_session
from tests.portal.test_certificate_pages import is_listed, issued, now_of, paper_code, text

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("signer")]


@pytest.fixture
def home(alice: User) -> Client:
    return open_session(Browser(), alice)


@pytest.fixture
def phone(alice: User, bob: User) -> Certificate:
    return issued(alice, bob)


def test_the_code_on_paper_revokes_without_a_login_and_once(phone: Certificate, home: Client) -> None:
    code, stranger = paper_code(home, phone), Browser()
    for _ in range(2):  # shown once; to load the page again makes no other code
        assert code not in text(home.get(f"/certificates/{phone.pk}/paper"))
    assert PaperCode.objects.filter(certificate=phone).count() == 1
    assert not PaperCode.objects.filter(digest__contains=code).exists()
    assert code in text(stranger.get("/lost", {"code": code}))
    assert now_of(phone).revoked_at is None  # looking changes nothing: link previews look
    asked = stranger.post("/lost", {"code": code.upper().replace("-", "  ")})
    assert phone.subject.replace("'", "&#x27;") in text(asked)
    assert now_of(phone).revoked_at is None
    done = stranger.post("/lost", {"code": code, "confirmed": "1"})
    assert "opens nothing any more" in text(done)
    assert "Published, with this certificate on it" in text(done) and "instead of reading the list" in text(
        done
    )
    assert str(crl.current("clients").number) not in text(done)  # that tells a layman nothing
    assert now_of(phone).reason == "keyCompromise" and is_listed(phone)
    again = stranger.post("/lost", {"code": code, "confirmed": "1"})
    assert again.status_code == 422 and "used already" in text(again)
    assert AuditEvent.objects.get(action="certificate.revoked").actor == revoking.ON_PAPER
    assert code.replace("-", "") not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_a_stranger_reads_the_hour_of_the_household(phone: Certificate, home: Client) -> None:
    house = household.current()
    house.time_zone = "Asia/Tokyo"
    house.save()
    done = Browser().post("/lost", {"code": paper_code(home, phone), "confirmed": "1"})
    assert " JST" in text(done) and " UTC" not in text(done)


def test_a_new_code_makes_the_one_before_worthless(phone: Certificate, home: Client) -> None:
    first, second = paper_code(home, phone), paper_code(home, phone)
    assert Browser().post("/lost", {"code": first, "confirmed": "1"}).status_code == 422
    assert now_of(phone).revoked_at is None
    assert Browser().post("/lost", {"code": second, "confirmed": "1"}).status_code == 200
    assert now_of(phone).revoked_at is not None


def test_the_code_needs_its_owner_and_a_fresh_code(phone: Certificate, alice: User, bob: User) -> None:
    assert open_session(Browser(), bob).post(f"/certificates/{phone.pk}/paper").status_code == 404
    stale = open_session(Browser(), alice, fresh=False)
    assert stale.post(f"/certificates/{phone.pk}/paper").status_code == 422
    assert not PaperCode.objects.exists()


def test_guessing_codes_is_slowed_down(phone: Certificate, home: Client) -> None:
    stranger, statuses = Browser(), []
    for number in range(13):
        statuses.append(stranger.post("/lost", {"code": f"wrong{number}"}).status_code)
    assert statuses[:10] == [422] * 10 and 429 in statuses
    code = paper_code(home, phone)  # whoever guesses beside its owner keeps nobody's door open
    assert stranger.post("/lost", {"code": code, "confirmed": "1"}).status_code == 200
    assert now_of(phone).reason == "keyCompromise"
    assert stranger.post("/lost", {"code": code}).status_code == 429


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
