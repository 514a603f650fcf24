"""Home, status, health, metrics, trust and the admin's window."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.test import override_settings

from accounts.models import User
from pki import authorities
from portal import health, housekeeping, landlock
from tests.conftest import Browser, open_session

pytestmark = pytest.mark.django_db(transaction=True)


def test_health_is_answered_without_a_session_and_names_the_signer(signer: object, browser: Browser) -> None:
    response = browser.get("/healthz")
    assert response.status_code == 200
    assert response.content == b"ok\nsigner up\n"


def test_health_stays_200_when_only_the_signer_is_down(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "signer_listens", lambda: False)
    response = browser.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\nsigner down\n")


def test_metrics_are_for_this_machine_or_for_the_token(browser: Browser) -> None:
    token = f"Bearer {settings.METRICS_TOKEN}"
    assert browser.get("/metrics", REMOTE_ADDR="::ffff:127.0.0.1").status_code == 200
    assert browser.get("/metrics", REMOTE_ADDR="192.168.7.9").status_code == 404
    for wrong in ("", "Bearer ", "Bearer wrong", "Bearer ümlaut"):
        found = browser.get("/metrics", REMOTE_ADDR="192.168.7.9", headers={"authorization": wrong})
        assert found.status_code == 404
    found = browser.get("/metrics", REMOTE_ADDR="192.168.7.9", headers={"authorization": token})
    assert found.status_code == 200


def test_the_status_page_looks_at_everything(signer: object, browser: Browser, erin: User) -> None:
    authorities.publish_certificates()
    housekeeping.tidy([step for step in housekeeping.STEPS if step.name in housekeeping.FIRST])
    open_session(browser, erin)
    page = browser.get("/status").content.decode()
    for word in (
        "Signer",
        "Authority clients",
        "Revocation list devices",
        "Server certificate",
        "Landlock",
        "Disk",
    ):
        assert word in page
    assert "not started by" in page  # Landlock is off here, and the page says so


def test_a_kernel_without_landlock_stands_on_the_status_page(
    browser: Browser, erin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    open_session(browser, erin)
    assert "This kernel has no Landlock" in browser.get("/status").content.decode()


def test_a_signer_that_is_down_stands_on_status_page_and_first_page(
    browser: Browser, bob: User, settings: pytest.FixtureRequest
) -> None:
    settings.SIGNER_SOCKET = settings.DATA / "nobody.sock"
    open_session(browser, bob)
    for address in ("/status", "/"):
        assert "is issued as soon as it is back" in browser.get(address).content.decode()


def test_a_requester_is_not_bothered_with_the_machine(browser: Browser, alice: User) -> None:
    open_session(browser, alice)
    assert "Landlock" not in browser.get("/").content.decode()


def test_the_trust_page_offers_the_root_and_its_fingerprint(signer: object, browser: Browser) -> None:
    page = browser.get("/trust")
    der = browser.get("/trust/servers-root.cer")
    pem = browser.get("/trust/servers-root.pem")
    assert der["Content-Type"] == "application/x-x509-ca-cert"  # what iOS installs
    root = x509.load_der_x509_certificate(der.content)
    assert root.public_bytes(Encoding.PEM) == pem.content
    digits = hashlib.sha256(der.content).hexdigest()
    assert " ".join(digits[i : i + 4] for i in range(0, 64, 4)) in page.content.decode()
    assert "Certificate Trust Settings" in page.content.decode()
    assert browser.get("/trust/servers-root.exe").status_code == 404


def test_the_trust_page_says_when_the_household_has_its_own_certificate(
    signer: object, browser: Browser
) -> None:
    with override_settings(TLS_CERT="/somewhere/fullchain.pem"):
        assert "own choice" in browser.get("/trust").content.decode()


def test_the_status_face_lists_what_it_publishes() -> None:
    with override_settings(ROOT_URLCONF="portal.urls_status", MIDDLEWARE=settings.STATUS_MIDDLEWARE):
        page = Browser().get("/").content.decode()
    assert "/crl/clients.crl" in page
    assert "/ca/devices-root.cer" in page


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/enrollment/certificationrequest/", "/admin/audit/auditevent/"]
)
def test_the_admin_is_a_window_for_administrators_only(
    browser: Browser, dora: User, bob: User, path: str
) -> None:
    assert browser.get(path)["Location"].startswith("/login")
    open_session(browser, bob)
    assert browser.get(path, follow=True).status_code == 404
    open_session(browser, dora)
    assert browser.get(path).status_code == 200


def test_nothing_can_be_changed_in_the_admin(browser: Browser, dora: User, bob: User) -> None:
    open_session(browser, dora)
    assert browser.get("/admin/accounts/user/add/").status_code == 403
    changed = browser.post(f"/admin/accounts/user/{bob.pk}/change/", {"is_administrator": "on"})
    assert changed.status_code == 403
    assert browser.post(f"/admin/accounts/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.get("/admin/password_change/")["Location"] == "/account"
    bob.refresh_from_db()
    assert not bob.is_administrator
