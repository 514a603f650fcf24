"""What the check face says about what arrived, in both languages, and to every browser."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from accounts import useragent
from accounts.models import User
from accounts.useragent import UserAgent
from enrollment import ra
from enrollment.models import CertificationRequest, Seen
from pki import authorities, crl, revocation
from pki.models import Certificate
from portal import advice, arrivals
from tests.conftest import Browser
from tests.enrollment.acts import ask

HERE = "192.0.2.1"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {APPLE}"
ANDROID, WINDOWS = "Mozilla/5.0 (Linux; Android 10; K)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
FIREFOX = "rv:143.0) Gecko/20100101 Firefox/143.0"
AGENTS = {
    f"{IPHONE} Version/18.6 Mobile/15E148 Safari/604.1": ("ios", "safari"),
    f"{IPHONE} CriOS/141.0 Mobile/15E148 Safari/604.1": ("ios", "chrome"),
    f"{IPHONE} FxiOS/143.0 Mobile/15E148 Safari/605.1.15": ("ios", "firefox"),
    f"{ANDROID} {CHROME} Mobile Safari/537.36": ("android", "chrome"),
    f"{ANDROID} {CHROME} Mobile Safari/537.36 EdgA/141.0": ("android", "edge"),
    f"{ANDROID} SamsungBrowser/28.0 {CHROME} Safari/537.36": ("android", "other"),
    "Mozilla/5.0 (Android 14; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0": ("android", "firefox"),
    f"{WINDOWS}) {CHROME} Safari/537.36 Edg/141.0": ("windows", "edge"),
    f"{WINDOWS}; {FIREFOX}": ("windows", "firefox"),
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.6 Safari/605": ("macos", "safari"),
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36": ("linux", "chrome"),
    f"Mozilla/5.0 (X11; Linux x86_64; {FIREFOX}": ("linux", "firefox"),
    "curl/8.5.0": ("", ""),
    "": ("", ""),
}


class Channel:
    """A connection on which `der` arrived."""

    def __init__(self, der: bytes | None) -> None:
        self.der = der

    def getpeercert(self, binary_form: bool) -> bytes | None:
        assert binary_form
        return self.der


@pytest.fixture
def look(settings: Settings) -> Callable[..., HttpResponse]:
    """`look(der)`: somebody opens the check face and shows this certificate."""
    settings.ROOT_URLCONF = "portal.urls_check"
    settings.MIDDLEWARE = settings.CHECK_MIDDLEWARE

    def visit(
        der: bytes | None = None, path: str = "/", language: str = "en", agent: str = ""
    ) -> HttpResponse:
        browser = Browser(**{"gunicorn.socket": Channel(der)})
        return browser.get(path, headers={"user-agent": agent, "accept-language": language})

    return visit


@pytest.fixture(autouse=True)
def published(settings: Settings, tmp_path: Path, signer: Path, db: None) -> None:
    """The authority's certificates and lists, in a folder of the test's own."""
    settings.PUBLIC_DIR = tmp_path
    authorities.publish_certificates()
    crl.publish("clients")


@pytest.fixture
def request_(published: None, alice: User, bob: User) -> CertificationRequest:
    """Issued."""
    return ra.approve(request=ask(alice), by=bob, address=HERE)


@pytest.fixture
def der(request_: CertificationRequest) -> bytes:
    assert request_.certificate is not None
    return bytes(request_.certificate.der)


def stranger(name: str = "Acme employee") -> bytes:
    """A certificate of somebody else's making."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def said(answer: HttpResponse) -> str:
    assert answer.status_code == 200
    assert not answer.cookies
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.content.decode()


def test_a_live_one_is_fine_leads_to_the_door_and_is_noted(
    look: Callable[..., HttpResponse], der: bytes, settings: Settings
) -> None:
    page = said(look(der))
    assert "<h1>Everything is fine</h1>" in page
    assert f'href="{settings.DOOR_URL}"' in page
    assert "alice&#x27;s phone" in page
    assert "It ends soon" not in page
    assert "It can be renewed here from" in page
    assert Seen.objects.get().certificate.der == der


def test_one_near_its_end_is_told_where_the_next_one_comes_from(
    look: Callable[..., HttpResponse], der: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "ENDS_SOON", timedelta(days=3000))
    Certificate.objects.update(not_before=timezone.now() - timedelta(days=2000))
    page = said(look(der))
    assert "It ends soon" in page
    assert 'href="/renew"' in page


@pytest.mark.parametrize(
    ("reason", "title"),
    [("keyCompromise", "This certificate is revoked"), ("certificateHold", "This certificate is on hold")],
)
def test_a_revoked_one_is_told_so_and_not_noted(
    look: Callable[..., HttpResponse],
    der: bytes,
    request_: CertificationRequest,
    bob: User,
    reason: str,
    title: str,
) -> None:
    assert request_.certificate is not None
    revocation.revoke(request_.certificate, reason, by=bob.username, address=HERE)
    page = said(look(der))
    assert f"<h1>{title}</h1>" in page
    assert "Everything is fine" not in page
    assert not Seen.objects.exists()


def test_an_account_that_is_switched_off_is_told_so(
    look: Callable[..., HttpResponse], der: bytes, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert "<h1>The account is switched off</h1>" in said(look(der))
    assert not Seen.objects.exists()


def test_what_the_books_do_not_know_is_an_orphan(look: Callable[..., HttpResponse], der: bytes) -> None:
    CertificationRequest.objects.update(certificate=None)
    Certificate.objects.all().delete()
    assert "the books do not know it" in said(look(der))


def test_without_a_list_the_door_is_shut_but_a_revoked_one_stays_revoked(
    look: Callable[..., HttpResponse], der: bytes, request_: CertificationRequest, bob: User
) -> None:
    crl.path("clients").unlink()
    assert "<h1>The door is shut for everybody</h1>" in said(look(der))
    assert "<h1>Another certificate arrived</h1>" in said(look(stranger()))
    Certificate.objects.update(revoked_at=timezone.now(), reason="keyCompromise")
    assert "<h1>This certificate is revoked</h1>" in said(look(der))


@pytest.mark.parametrize(
    ("shift", "title"),
    [(-4000, "This certificate has ended"), (4000, "This certificate is not valid yet")],
)
def test_one_out_of_its_time_is_told_which_way(
    request_: CertificationRequest, shift: int, title: str
) -> None:
    assert request_.certificate is not None
    known = request_.certificate
    known.not_before += timedelta(days=shift)
    known.not_after += timedelta(days=shift)
    word = {"This certificate has ended": "expired", "This certificate is not valid yet": "early"}[title]
    assert arrivals._told(known, "validity") == word
    assert arrivals._told(known, "list") == word


@pytest.mark.parametrize("name", ["Acme employee", "<script>alert(1)</script>", "a\u202egnp.exe", "x" * 500])
def test_a_strangers_is_named_as_it_names_itself_and_can_do_no_harm(
    look: Callable[..., HttpResponse], name: str
) -> None:
    page = said(look(stranger(name[:64])))
    assert "<h1>Another certificate arrived</h1>" in page
    assert "<script" not in page
    assert "\u202e" not in page
    assert "remembers what was chosen" in page


ODD = {
    "no certificate": b"\x30\x03\x02\x01\x00",
    "version 2": stranger().replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020101")),
    "version 6": stranger().replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105")),
    "a bit string for a name": stranger("xyz").replace(b"\x0c\x03xyz", b"\x03\x03\0yz"),
}


@pytest.mark.parametrize("der", ODD.values(), ids=ODD)
def test_what_nobody_can_parse_is_a_strangers(look: Callable[..., HttpResponse], der: bytes) -> None:
    """OpenSSL takes each of them in a handshake but the first."""
    assert "<h1>Another certificate arrived</h1>" in said(look(der))


@pytest.mark.parametrize("agent", AGENTS)
def test_every_browser_is_recognized(agent: str) -> None:
    assert useragent.read(agent) == UserAgent(*AGENTS[agent])


@pytest.mark.parametrize("agent", AGENTS)
def test_without_one_each_browser_gets_reasons_of_its_own(
    look: Callable[..., HttpResponse], agent: str
) -> None:
    page = said(look(None, agent=agent))
    assert "<h1>No certificate arrived</h1>" in page
    system, browser = AGENTS[agent]
    found = advice.when_nothing_came(UserAgent(system, browser))
    assert len(found) == len(set(found)) == page.count("<li>")
    assert len(found) > 2 if system else len(found) == 2
    if (system, browser) in (("ios", "chrome"), ("ios", "firefox")):
        assert "only Safari" in found[0]


def test_it_speaks_german(look: Callable[..., HttpResponse], der: bytes) -> None:
    page = said(look(der, language="de-AT"))
    assert '<html lang="de">' in page
    assert "<h1>Alles in Ordnung</h1>" in page
    assert "Es ist kein Zertifikat angekommen" in said(look(None, language="de"))


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/doors/x/open", 404)])
def test_whatever_is_asked_it_is_never_a_403(
    look: Callable[..., HttpResponse], path: str, status: int
) -> None:
    assert look(None, path).status_code == status


def test_it_takes_no_forms_and_sets_no_cookies(settings: Settings) -> None:
    settings.ROOT_URLCONF = "portal.urls_check"
    settings.MIDDLEWARE = settings.CHECK_MIDDLEWARE
    answer = Browser().post("/", {"x": "y"})
    assert answer.status_code == 405
    assert not answer.cookies


def test_an_unknown_host_name_is_answered_in_plain_words(settings: Settings) -> None:
    settings.ROOT_URLCONF = "portal.urls_check"
    settings.MIDDLEWARE = settings.CHECK_MIDDLEWARE
    answer = Browser().get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert b"LATCHKEY_HOSTS" in answer.content
