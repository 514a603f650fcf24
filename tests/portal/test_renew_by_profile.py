"""Renewal of an iPhone: it shows its certificate at the check face, and its new key comes by SCEP."""

import plistlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.conf import settings as usual
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from enrollment.protocols import scep_ra
from pki import revocation
from pki.models import Certificate
from portal import services
from tests.conftest import Browser, make_csr, open_session
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.conftest import Face
from tests.pki.scep_client import Phone, Reply
from tests.portal.test_renew import face, holder, old, past, refused, sends, showing, successors, title

__all__ = ["face", "holder", "old", "past"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PORTAL = {name: getattr(usual, name) for name in ("ROOT_URLCONF", "MIDDLEWARE", "CSRF_COOKIE_NAME")}
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)


def begins(certificate: Certificate) -> HttpResponse:
    return showing(bytes(certificate.der)).post("/renew/profile", {"of": certificate.fingerprint})


def challenge_in(signed: bytes) -> str:
    """What stands in the profile, as the phone reads it."""
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-binary", "-noverify"]
    done = subprocess.run(command, input=signed, capture_output=True, check=True)
    parts = {part["PayloadType"]: part for part in plistlib.loads(done.stdout)["PayloadContent"]}
    challenge: str = parts["com.apple.security.scep"]["PayloadContent"]["Challenge"]
    return challenge


@pytest.fixture
def challenge(old: Certificate, settings: Settings) -> str:
    """After the button and the download."""
    services.renew_portal()
    assert begins(old).status_code == 303
    answer = showing(bytes(old.der)).get("/renew/profile.mobileconfig")
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    return challenge_in(answer.content)


@pytest.fixture
def phone(face: None) -> Phone:
    services.renew_scep()
    return Phone(scep_ra.ra().certificate, name="renewed iphone")


def asks(phone: Phone, challenge: str, settings: Settings) -> Reply:
    """At the status face; the check face is back afterwards."""
    before = settings.ROOT_URLCONF, settings.MIDDLEWARE
    settings.ROOT_URLCONF, settings.MIDDLEWARE = "portal.urls_status", settings.STATUS_MIDDLEWARE
    try:
        return Face().asks(phone, phone.ask(phone.csr(challenge)))
    finally:
        settings.ROOT_URLCONF, settings.MIDDLEWARE = before


def successor(certificate: Certificate) -> CertificationRequest:
    found = CertificationRequest.objects.select_related("certificate")
    return found.filter(predecessor=certificate).latest("created_at")


def test_the_phone_gets_the_same_again_for_the_key_it_makes(
    old: Certificate, challenge: str, phone: Phone, settings: Settings
) -> None:
    page = showing(bytes(old.der)).get("/renew", headers={"user-agent": IPHONE})
    assert title(page) == "Install the profile"
    (leaf,) = asks(phone, challenge, settings).certificates
    assert leaf.public_key() == phone.key.public_key()
    assert leaf.subject == x509.load_der_x509_certificate(bytes(old.der)).subject
    done = successor(old)
    assert (done.kind, done.status, done.proof) == ("renewal", Status.ISSUED, {})
    assert done.certificate and done.certificate.fingerprint == leaf.fingerprint(hashes.SHA256()).hex()
    assert title(showing(bytes(old.der)).get("/renew")) == "It is renewed"
    assert AuditEvent.objects.filter(action="request.renewal").count() == 1


def test_an_iphone_is_offered_the_profile_and_may_have_the_page(old: Certificate) -> None:
    browser = showing(bytes(old.der))
    page = browser.get("/renew", headers={"user-agent": IPHONE}).content.decode()
    assert "Make the profile" in page and "?way=page" in page
    assert "Make the key and renew" in browser.get("/renew?way=page").content.decode()
    chrome = browser.get("/renew", headers={"user-agent": IPHONE.replace("Version/", "CriOS/")})
    assert "Open this page in Safari" in chrome.content.decode()


def test_the_button_again_gives_the_same_profile(old: Certificate, challenge: str) -> None:
    assert begins(old).status_code == 303
    again = showing(bytes(old.der)).get("/renew/profile.mobileconfig")
    assert challenge_in(again.content) == challenge
    assert successors(old) == ["approved"]


def test_pressed_many_times_at_once_there_is_one_profile(old: Certificate) -> None:
    def attempt(_: int) -> int:
        try:
            return begins(old).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(attempt, range(4))) == {303}
    assert successors(old) == ["approved"]


def test_the_challenge_works_for_one_key_only(
    old: Certificate, challenge: str, phone: Phone, settings: Settings
) -> None:
    (leaf,) = asks(phone, challenge, settings).certificates
    phone.nonce = bytes(16)
    assert asks(phone, challenge, settings).certificates == [leaf]  # the same key again
    thief = Phone(phone.ra, name="thief")
    assert asks(thief, challenge, settings).status == "2"
    assert AuditEvent.objects.filter(action="request.second-key").count() == 1
    refused(begins(old), "renewed already")
    refused(sends(old), "renewed already")


def test_a_key_from_the_page_takes_the_place_of_a_profile_that_was_not_used(
    old: Certificate, challenge: str, phone: Phone, settings: Settings
) -> None:
    assert sends(old, make_csr()).status_code == 303
    assert sorted(successors(old)) == ["issued", "withdrawn"]
    assert asks(phone, challenge, settings).status == "2"
    assert CertificationRequest.objects.filter(predecessor=old, status=Status.ISSUED).count() == 1


def test_after_its_hour_it_lapses_and_a_new_one_can_be_made(
    old: Certificate, challenge: str, phone: Phone, settings: Settings
) -> None:
    waiting = successor(old)
    assert waiting.lapses_at and waiting.lapses_at - waiting.created_at < timedelta(hours=1, minutes=1)
    CertificationRequest.objects.filter(pk=waiting.pk).update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert asks(phone, challenge, settings).status == "2"
    assert title(showing(bytes(old.der)).get("/renew")) == "Renew it on this device"
    assert begins(old).status_code == 303
    assert sorted(successors(old)) == ["approved", "withdrawn"]
    CertificationRequest.objects.filter(status=Status.APPROVED).update(lapses_at=timezone.now())
    assert ra.lapse_overdue() == 1


def test_what_was_revoked_meanwhile_gets_nothing(
    old: Certificate, challenge: str, phone: Phone, settings: Settings
) -> None:
    revocation.revoke(old, "keyCompromise", by="bob", address=HERE)
    assert asks(phone, challenge, settings).status == "2"
    assert successors(old) == ["rejected"]


def test_the_signer_takes_our_word_for_a_day_only(
    old: Certificate, challenge: str, phone: Phone, settings: Settings
) -> None:
    waiting = successor(old)
    past_day = (timezone.now() - timedelta(days=1, minutes=1)).isoformat()
    CertificationRequest.objects.filter(pk=waiting.pk).update(proof={**waiting.proof, "at": past_day})
    assert asks(phone, challenge, settings).status == "2"
    assert "seen too long ago" in successor(old).reason


def test_owner_and_officer_can_take_it_back(
    old: Certificate, challenge: str, holder: User, bob: User, phone: Phone, settings: Settings
) -> None:
    ra.withdraw(request=successor(old), by=holder, address=HERE)
    assert asks(phone, challenge, settings).status == "2"
    begins(old)
    ra.reject(request=successor(old), by=bob, address=HERE, reason="The phone was stolen.")
    assert sorted(successors(old)) == ["rejected", "withdrawn"]


def test_without_a_profile_that_waits_there_is_none_to_download(old: Certificate) -> None:
    answer = showing(bytes(old.der)).get("/renew/profile.mobileconfig")
    assert (answer.status_code, title(answer)) == (200, "Renew it on this device")


def test_the_portals_page_says_where_it_waits(
    old: Certificate, challenge: str, holder: User, settings: Settings
) -> None:
    waiting = successor(old)
    for name, value in PORTAL.items():
        setattr(settings, name, value)
    page = open_session(Browser(), holder).get(f"/requests/{waiting.pk}").content.decode()
    assert "Approved, waiting for the device" in page
    assert f'from <a href="{settings.CHECK_URL}/renew">the check page</a>' in page
    assert "Withdraw this request" in page
