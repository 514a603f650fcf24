"""Renewing at the check face: for whoever shows a live certificate in its last third, and nobody else."""

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra, renewing, replaced
from enrollment.models import CertificationRequest, Seen, Status
from pki import authorities, crl, csr, issuance, revocation
from pki.models import Certificate
from pki.signer import client
from pki.signer.protocol import CsrEvidence, IssuanceRequest
from tests.conftest import Browser, make_csr
from tests.enrollment.acts import HERE, ask
from tests.pki.orders import order
from tests.portal import aged
from tests.portal.test_check import Channel, stranger

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
OWNER = uuid.UUID(int=0xA11CE)  # the journal remembers whose they are, the database forgets after each test
MADE = 25  # certificates; each test takes those that it needs
TITLE = re.compile(r"<h1>(.*?)</h1>")


@dataclass
class Past:
    """A household's signer of today, and what it made long ago."""

    socket: Path
    made: list[tuple[IssuanceRequest, bytes]]
    over: tuple[IssuanceRequest, bytes]  # expired


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    home = tmp_path_factory.mktemp("aged")
    made = []
    with aged.signer(home, **aged.ago(400)) as socket:
        wanted = _order("alice's forgotten phone")
        over = wanted, client.issue(socket, wanted)
    with aged.signer(home, **aged.ago()) as socket:
        for number in range(MADE):
            wanted = _order(f"alice's old phone {number}")
            made.append((wanted, client.issue(socket, wanted)))
    with aged.signer(home) as socket:
        yield Past(socket, made, over)


def _order(name: str) -> IssuanceRequest:
    parsed = csr.parse(make_csr())
    evidence = CsrEvidence(parsed.sha256, str(OWNER), str(uuid.uuid4()), "2026-01-02T03:04:05+00:00", False)
    fields = {"days": 365, "owner": str(OWNER), "common_name": name, "csr": parsed.der, "evidence": evidence}
    return order(**fields)


@pytest.fixture
def holder(db: None) -> User:
    return User.objects.create_user("alice", full_name="Alice", is_requester=True, id=OWNER)


@pytest.fixture
def face(past: Past, settings: Settings, tmp_path: Path, holder: User) -> None:
    """The check face of that household."""
    settings.SIGNER_SOCKET, settings.PUBLIC_DIR = past.socket, tmp_path
    settings.ROOT_URLCONF, settings.MIDDLEWARE = "portal.urls_check", settings.CHECK_MIDDLEWARE
    settings.CSRF_COOKIE_NAME = settings.CHECK_CSRF_COOKIE
    settings.CSRF_FAILURE_VIEW = "portal.views.check.csrf_failure"
    authorities.publish_certificates()
    crl.publish("clients")


@pytest.fixture
def old(past: Past, face: None) -> Certificate:
    """One in the last third of its life."""
    return issuance._store(*past.made.pop())


def showing(der: bytes | None, **more: bool) -> Browser:
    return Browser(**more, **{"gunicorn.socket": Channel(der)})  # type: ignore[arg-type]


def of(certificate: Certificate, pem: bytes = b"") -> dict[str, str]:
    """What the page's form sends."""
    return {"of": certificate.fingerprint, "csr": (pem or make_csr()).decode()}


def sends(certificate: Certificate, pem: bytes = b"", **changes: str) -> HttpResponse:
    return showing(bytes(certificate.der)).post("/renew", {**of(certificate, pem), **changes})


def title(answer: HttpResponse) -> str:
    found = TITLE.search(answer.content.decode())
    assert found, answer
    return found[1]


def refused(answer: HttpResponse, words: str, status: int = 422) -> None:
    assert answer.status_code == status
    assert title(answer)
    assert words in answer.content.decode()


def successors(certificate: Certificate) -> list[str]:
    return list(CertificationRequest.objects.filter(predecessor=certificate).values_list("status", flat=True))


def test_a_new_key_gets_the_successor_at_once_with_the_old_names(old: Certificate) -> None:
    page = showing(bytes(old.der)).get("/renew")
    assert (page.status_code, title(page)) == (200, "Renew it on this device")
    answer = sends(old, make_csr("eve, with other names"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/renew")
    made = CertificationRequest.objects.select_related("certificate").get(predecessor=old)
    assert made.certificate and made.status == Status.ISSUED
    leaf = x509.load_der_x509_certificate(bytes(made.certificate.der))
    assert leaf.subject == x509.load_der_x509_certificate(bytes(old.der)).subject
    assert leaf.not_valid_after_utc > old.not_after + timedelta(days=200)
    page = showing(bytes(old.der)).get("/renew")
    assert title(page) == "Install the new certificate"
    assert f'data-key="{made.key_sha256}"' in page.content.decode()
    bundle = showing(bytes(old.der)).get("/renew/certificate.p7b")
    assert bytes(made.certificate.der) in bundle.content
    line = AuditEvent.objects.get(action="request.renewal")
    assert (line.actor, line.detail["proof"], line.detail["renews"]) == ("alice", "mutual-tls", old.serial)


def test_the_same_request_again_gives_the_same_certificate(old: Certificate) -> None:
    pem = make_csr()
    assert [sends(old, pem).status_code for _ in range(3)] == [303, 303, 303]
    assert successors(old) == ["issued"]


def test_a_thiefs_renewal_that_is_on_its_way_ends_with_the_revocation(
    old: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the signer's answer and our row: nobody finds it among the followers, and no list names it."""
    ask = client.issue

    def stolen_meanwhile(socket: Path, wanted: IssuanceRequest) -> bytes:
        monkeypatch.undo()
        der = ask(socket, wanted)
        replaced.end(old, "keyCompromise", by="alice", address=HERE, more=True)
        return der

    monkeypatch.setattr(client, "issue", stolen_meanwhile)
    sends(old)
    ra.issue_waiting()
    assert successors(old) == ["rejected"]
    assert not Certificate.objects.filter(owner=old.owner, revoked_at=None).exists()


def test_another_key_is_refused_once_there_is_a_successor(old: Certificate) -> None:
    sends(old)
    refused(sends(old), "renewed already, with another key")
    assert successors(old) == ["issued"]


def test_of_two_keys_at_once_one_wins(old: Certificate) -> None:
    def attempt(pem: bytes) -> int:
        try:
            return sends(old, pem).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(attempt, [make_csr() for _ in range(4)]))
    assert found == [303, 422, 422, 422]
    assert successors(old) == ["issued"]


def test_the_old_key_itself_is_refused(old: Certificate) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    Certificate.objects.filter(pk=old.pk).update(key_sha256=csr.parse(make_csr(key=key)).key_sha256)
    refused(sends(old, make_csr(key=key)), "comes with a new key")
    assert not successors(old)


@pytest.mark.parametrize("reason", ["superseded", "certificateHold"])
def test_a_revoked_or_held_one_is_told_so(old: Certificate, reason: str) -> None:
    revocation.revoke(old, reason, by="bob", address=HERE)
    refused(sends(old), "To the portal" if reason == "superseded" else "On hold since")
    assert "This certificate is" in title(showing(bytes(old.der)).get("/renew"))
    assert not successors(old)


def test_an_expired_one_is_told_so(face: None, past: Past) -> None:
    over = issuance._store(*past.over)
    for answer in (sends(over), showing(bytes(over.der)).post("/renew/profile", of(over))):
        refused(answer, "This certificate has ended")
    with pytest.raises(ra.Refused, match="expired"):
        ra.renew(predecessor=over, csr=csr.parse(make_csr()), proof=renewing.shown(), address=HERE)
    assert not successors(over)


def test_one_that_is_too_young_is_told_from_when(face: None, past: Past) -> None:
    wanted = _order("alice's young phone")
    young = issuance._store(wanted, client.issue(past.socket, wanted))
    page = showing(bytes(young.der)).get("/renew")
    assert title(page) == "Not yet"
    day = renewing.opens_at(young)
    assert f"from {day.day} {day:%B %Y} on" in page.content.decode()
    refused(sends(young), "too young to be renewed")
    refused(showing(bytes(young.der)).post("/renew/profile", of(young)), "too young to be renewed")
    assert not successors(young)


def test_the_signer_keeps_the_last_third_by_itself(face: None, past: Past, holder: User) -> None:
    """Where the web side were wrong about the dates, as after a break-in."""
    wanted = _order("alice's other young phone")
    young = issuance._store(wanted, client.issue(past.socket, wanted))
    Certificate.objects.filter(pk=young.pk).update(not_before=timezone.now() - timedelta(days=2000))
    refused(sends(young), "last third of its life only")
    assert successors(young) == ["rejected"]


@pytest.mark.parametrize("der", [None, stranger(), b"0\x03\x02\x01\x00"], ids=["none", "foreign", "odd"])
def test_whoever_shows_none_of_ours_is_told_what_arrived(face: None, der: bytes | None) -> None:
    for path in ("/renew", "/renew/profile"):
        answer = showing(der).post(path, {"csr": make_csr().decode(), "of": ""})
        assert answer.status_code == 422
        assert title(answer) == ("No certificate arrived" if der is None else "Another certificate arrived")
    for path in ("/renew", "/renew/certificate.p7b", "/renew/profile.mobileconfig"):
        assert showing(der).get(path).status_code == 200
    assert not CertificationRequest.objects.exists()


def test_it_renews_the_certificate_that_arrived_and_no_other(old: Certificate, past: Past) -> None:
    other = issuance._store(*past.made.pop())
    refused(sends(old, of=other.fingerprint), "Another certificate arrived than the one on the page")
    refused(sends(old, of=""), "Another certificate arrived than the one on the page")
    assert not successors(old) and not successors(other)


def test_another_sites_form_renews_nothing(old: Certificate) -> None:
    """The browser shows the certificate with it, and the CSR would be for the other site's key."""
    browser = showing(bytes(old.der), enforce_csrf_checks=True)
    page = browser.get("/renew").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    sent = {**of(old), "csrfmiddlewaretoken": token[1]}
    for origin in ("https://evil.example", "https://testserver:8443", "null"):
        refused(browser.post("/renew", sent, headers={"origin": origin}), "Begin again with a new page")
    refused(browser.post("/renew", sent), "Begin again with a new page")  # neither Origin nor Referer
    own = {"origin": "https://testserver"}
    refused(browser.post("/renew", of(old), headers=own), "Begin again with a new page")
    assert not successors(old)
    assert browser.post("/renew", sent, headers=own).status_code == 303


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "\0", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"],
)
def test_what_is_no_request_is_refused_with_a_sentence(old: Certificate, text: str) -> None:
    answer = sends(old, csr=text)
    assert answer.status_code == 422
    assert '<div class="notice bad" role="alert"><p><strong>' in answer.content.decode()
    assert not successors(old)


def test_a_body_that_is_too_big_is_refused(old: Certificate) -> None:
    refused(sends(old, csr="x" * 1_000_000), "cannot be read", 413)


def test_a_key_of_another_account_is_refused(old: Certificate, charlie: User) -> None:
    pem = make_csr()
    ask(charlie, pem=pem)
    answer = sends(old, pem)
    refused(answer, "belongs to another account")
    assert "Begin again: that makes a new key." in answer.content.decode()


def test_a_closed_account_renews_nothing(old: Certificate, holder: User) -> None:
    User.objects.filter(pk=holder.pk).update(is_active=False)
    assert title(sends(old)) == "The account is switched off"
    assert not successors(old)


def test_it_waits_for_the_signer_with_its_key(old: Certificate, settings: Settings, past: Past) -> None:
    settings.SIGNER_SOCKET = settings.DATA / "nobody.sock"
    pem = make_csr()
    assert sends(old, pem).status_code == 303
    assert title(showing(bytes(old.der)).get("/renew")) == "Almost there"
    settings.SIGNER_SOCKET = past.socket
    assert ra.issue_waiting() == 1
    assert title(showing(bytes(old.der)).get("/renew")) == "Install the new certificate"


def test_the_new_one_is_seen_and_says_what_becomes_of_the_old_one(old: Certificate) -> None:
    sends(old)
    made = CertificationRequest.objects.select_related("certificate").get(predecessor=old)
    assert made.certificate
    page = showing(bytes(made.certificate.der)).get("/").content.decode()
    assert "It takes the place of the one" in page
    assert f'data-key="{made.key_sha256}" data-over="1"' in page  # the browser forgets the key
    assert Seen.objects.filter(certificate=made.certificate).exists()
    assert "A new one is on its way" in showing(bytes(old.der)).get("/").content.decode()


def test_a_successor_that_was_revoked_leads_back_to_the_portal(old: Certificate) -> None:
    sends(old)
    made = CertificationRequest.objects.select_related("certificate").get(predecessor=old)
    assert made.certificate
    revocation.revoke(made.certificate, "keyCompromise", by="bob", address=HERE)
    page = showing(bytes(old.der)).get("/renew")
    assert title(page) == "This one is not renewed here"
    refused(sends(old), "renewed already")


def test_a_profile_that_does_not_allow_it_names_the_way_out(old: Certificate) -> None:
    Certificate.objects.filter(pk=old.pk).update(profile="mqtt-broker")
    old.refresh_from_db()
    with pytest.raises(ra.Refused, match="not renewed like this") as refusal:
        ra.renew(predecessor=old, csr=csr.parse(make_csr()), proof=renewing.shown(), address=HERE)
    assert "a person approves" in refusal.value.remedy


def test_it_speaks_german(old: Certificate) -> None:
    german = {"accept-language": "de-AT"}
    browser = showing(bytes(old.der))
    assert title(browser.get("/renew", headers=german)) == "Auf diesem Gerät erneuern"
    sends(old)
    again = browser.post("/renew", of(old), headers=german)
    refused(again, "Dieses Zertifikat wurde schon erneuert")
    assert title(again) == "Das neue Zertifikat installieren"
