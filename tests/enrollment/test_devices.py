"""Person and device are approved first; the first key that brings the challenge gets the certificate."""

import plistlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AttributeOID, NameOID
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import invitations
from accounts.models import Invitation, User
from audit.models import AuditEvent
from enrollment import devices, ra
from enrollment.models import CertificationRequest, Kind, Status
from pki import authorities, csr
from pki.csr import ParsedCSR
from pki.models import Certificate
from portal import services
from tests.conftest import let_time_pass, next_code, open_session
from tests.enrollment.acts import HERE, ask

pytestmark = pytest.mark.django_db(transaction=True)


def with_challenge(challenge: str, key: ec.EllipticCurvePrivateKey | None = None) -> ParsedCSR:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "what the phone likes")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
    made = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return csr.parse(made.public_bytes(serialization.Encoding.DER))


def asked(by: User, device: str = "phone") -> CertificationRequest:
    return ra.ask_for_device(by=by, address=HERE, device=device)


@pytest.fixture
def approved(signer: Path, alice: User, bob: User) -> CertificationRequest:
    return ra.approve(request=asked(alice), by=bob, address=HERE)


def comes(request: CertificationRequest, key: ec.EllipticCurvePrivateKey | None = None) -> ParsedCSR:
    return with_challenge(devices.challenge_of(request), key)


def enrolled(parsed: ParsedCSR) -> CertificationRequest | None:
    challenge = csr.challenge(parsed.der)
    return ra.enrol(csr=parsed, challenge=challenge, address=HERE)


def test_two_devices_of_one_person_wait_side_by_side_without_keys(alice: User) -> None:
    first, second = asked(alice), asked(alice, "tablet")
    assert (first.status, first.kind, bytes(first.csr), first.key_sha256) == ("pending", "device", b"", "")
    assert second.common_name == "alice's tablet" and second.days == 365


def test_an_approved_device_waits_for_its_key(approved: CertificationRequest) -> None:
    assert approved.status == Status.APPROVED and not approved.trouble
    assert ra.issue_waiting() == 0
    assert approved.lapses_at and approved.decided_at
    assert approved.lapses_at - approved.decided_at == timedelta(days=7)
    assert devices.challenge_of(approved) not in str(list(AuditEvent.objects.values()))


def test_the_first_key_gets_the_certificate_and_again_the_same_one(approved: CertificationRequest) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    done = enrolled(comes(approved, key))
    assert done and done.status == Status.ISSUED and done.certificate
    leaf = x509.load_der_x509_certificate(bytes(done.certificate.der))
    assert leaf.public_key() == key.public_key()
    assert "alice's phone" in leaf.subject.rfc4514_string()  # as approved, not as the phone likes
    again = enrolled(comes(approved, key))
    assert (
        again
        and again.certificate == done.certificate
        and Certificate.objects.filter(owner=str(approved.owner_id)).count() == 1
    )


def test_a_second_key_is_refused_and_audited(approved: CertificationRequest) -> None:
    enrolled(comes(approved))
    with pytest.raises(ra.Refused, match="used already, with another key"):
        enrolled(comes(approved))
    line = AuditEvent.objects.get(action="request.second-key")
    assert line.target == str(approved.pk)


def test_a_challenge_that_nobody_made_belongs_to_nobody(approved: CertificationRequest) -> None:
    assert enrolled(with_challenge("a guess that is long enough")) is None
    assert ra.enrol(csr=comes(approved), challenge="", address=HERE) is None


def test_the_key_of_another_account_is_refused_and_uses_nothing_up(
    approved: CertificationRequest, charlie: User
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ask(charlie, pem=with_challenge("x", key).der)
    with pytest.raises(ra.Refused, match="another account"):
        enrolled(comes(approved, key))
    assert enrolled(comes(approved)).status == Status.ISSUED


def test_an_approval_lapses_after_a_week_without_a_key(approved: CertificationRequest) -> None:
    CertificationRequest.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ra.Refused, match="lapsed"):
        enrolled(comes(approved))
    assert ra.lapse_overdue() == 1
    approved.refresh_from_db()
    assert approved.status == Status.LAPSED


def test_an_approval_with_its_key_does_not_lapse(approved: CertificationRequest, settings: Settings) -> None:
    socket, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, settings.DATA / "nobody.sock"
    waits = enrolled(comes(approved))
    assert waits and waits.status == Status.APPROVED and "does not answer" in waits.trouble
    CertificationRequest.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert ra.lapse_overdue() == 0
    CertificationRequest.objects.update(lapses_at=approved.lapses_at)
    settings.SIGNER_SOCKET = socket
    assert ra.issue_waiting() == 1


def test_who_has_left_gets_nothing(approved: CertificationRequest) -> None:
    User.objects.filter(pk=approved.owner_id).update(is_active=False)
    with pytest.raises(ra.Refused, match="closed"):
        enrolled(comes(approved))


def test_who_took_over_the_account_after_the_approval_gets_nothing(
    approved: CertificationRequest, alice: User, bob: User
) -> None:
    """One officer's word: approve what alice asked for, open the reset link oneself, be quicker than she."""
    token = invitations.make(bob, account=alice, address=HERE)
    parsed = comes(approved)
    Invitation.objects.filter(digest=invitations.digest(token)).update(used_at=timezone.now())
    for attempt in (
        lambda: ra.profile_for(approved, by=alice, address=HERE),
        lambda: enrolled(parsed),
    ):
        with pytest.raises(ra.Refused, match="new password and app"):
            attempt()
    approved.refresh_from_db()
    assert not approved.key_sha256
    other = User.objects.create_user("otto", is_officer=True)
    again = ra.approve(request=asked(alice, "tablet"), by=other, address=HERE)
    done = enrolled(comes(again))
    assert done and done.status == Status.ISSUED


def test_a_request_that_says_so_lapses_sooner(alice: User) -> None:
    made = ask(alice)
    CertificationRequest.objects.filter(pk=made.pk).update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert ra.lapse_overdue() == 1


def test_the_profile_is_signed_and_says_where_to_ask_with_what(
    approved: CertificationRequest, alice: User, settings: Settings, tmp_path: Path
) -> None:
    services.renew_portal()
    signed = ra.profile_for(approved, by=alice, address=HERE)
    (tmp_path / "root.pem").write_bytes(authorities.pem(authorities.chain("servers")[1]))
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any"]
    done = subprocess.run([*command, "-CAfile", tmp_path / "root.pem"], input=signed, capture_output=True)
    assert done.returncode == 0, done.stderr
    parts = {part["PayloadType"]: part for part in plistlib.loads(done.stdout)["PayloadContent"]}
    content = parts["com.apple.security.scep"]["PayloadContent"]
    assert content["URL"] == f"{settings.STATUS_URL}/scep/clients"
    assert content["Challenge"] == devices.challenge_of(approved)
    assert parts["com.apple.security.root"]["PayloadContent"] == authorities.chain("servers")[1]
    assert parts["com.apple.webClip.managed"]["URL"] == f"{settings.DOOR_URL}/"
    assert AuditEvent.objects.get(action="profile.downloaded").actor == "alice"
    ra.profile_for(approved, by=alice, address=HERE)  # nothing is used up
    assert enrolled(comes(approved)).status == Status.ISSUED
    with pytest.raises(ra.Refused, match="not waiting for its profile"):
        ra.profile_for(approved.__class__.objects.get(pk=approved.pk), by=alice, address=HERE)


def test_after_its_week_nobody_gets_the_profile(approved: CertificationRequest, alice: User) -> None:
    approved.lapses_at = timezone.now() - timedelta(seconds=1)
    with pytest.raises(ra.Refused, match="has lapsed"):
        ra.profile_for(approved, by=alice, address=HERE)


def test_the_owner_downloads_it_as_phones_want_it_and_a_stranger_does_not(
    approved: CertificationRequest, alice: User, charlie: User, browser: Client
) -> None:
    services.renew_portal()
    path = f"/requests/{approved.pk}/profile.mobileconfig"
    answer = open_session(browser, alice).get(path)
    assert answer.status_code == 200 and b"com.apple.security.scep" in answer.content
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    assert answer.headers["Content-Disposition"].endswith('.mobileconfig"')
    assert open_session(browser, charlie).get(path).status_code == 404


def test_a_session_alone_does_not_get_the_profile_a_fresh_code_does(
    approved: CertificationRequest, alice: User, charlie: User, browser: Client
) -> None:
    services.renew_portal()
    path = f"/requests/{approved.pk}/profile.mobileconfig"
    open_session(browser, alice, fresh=False)
    for answer in (browser.get(path), browser.post(path), browser.post(path, {"code": "000000"})):
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b'name="code"' in answer.content and b"scep" not in answer.content
    assert not AuditEvent.objects.filter(action="profile.downloaded").exists()
    let_time_pass(alice)
    answer = browser.post(path, {"code": next_code(alice)})
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    file = browser.get(path)
    assert file.status_code == 200 and b"com.apple.security.scep" in file.content
    assert browser.post(path).headers["Location"] == path  # the page behind the download, pressed again
    assert open_session(browser, charlie, fresh=False).post(path).status_code == 404


def test_an_old_session_is_told_why_it_is_asked(
    approved: CertificationRequest, alice: User, browser: Client
) -> None:
    path = f"/requests/{approved.pk}/profile.mobileconfig"
    open_session(browser, alice, fresh=False)
    assert "Whoever installs it first has the certificate" in browser.get(path).content.decode()
    answer = browser.post(path)
    assert answer.status_code == 422 and b"Type the six digits" in answer.content
    CertificationRequest.objects.filter(pk=approved.pk).update(status=Status.LAPSED)
    assert browser.get(path).headers["Location"] == f"/requests/{approved.pk}"


def test_nobody_else_gets_the_profile(approved: CertificationRequest, charlie: User, bob: User) -> None:
    for stranger in (charlie, bob):
        with pytest.raises(ra.Refused, match="not your device"):
            ra.profile_for(approved, by=stranger, address=HERE)


def test_without_its_sealing_key_an_approval_is_asked_for_anew(
    approved: CertificationRequest, alice: User, settings: Settings
) -> None:
    settings.SEALING_KEY = "restored without it"
    with pytest.raises(ra.Refused, match="key that the approval was made with is gone"):
        ra.profile_for(approved, by=alice, address=HERE)


def test_kinds_are_told_apart(approved: CertificationRequest, alice: User) -> None:
    assert Kind(approved.kind) is Kind.DEVICE and Kind(ask(alice).kind) is Kind.CSR


def test_of_many_keys_at_once_one_wins(approved: CertificationRequest) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    keys = [own, own, *(ec.generate_private_key(ec.SECP256R1()) for _ in range(4))]

    def attempt(key: ec.EllipticCurvePrivateKey) -> str:
        try:
            done = enrolled(comes(approved, key))
            return done.key_sha256 if done and done.status == Status.ISSUED else ""
        except ra.Refused:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(len(keys)) as pool:
        won = [key for key in pool.map(attempt, keys) if key]
    assert len(set(won)) == 1
    assert Certificate.objects.filter(owner=str(approved.owner_id)).count() == 1
    assert AuditEvent.objects.filter(action="request.key").count() == 1


def test_an_officer_takes_an_approval_back_until_the_device_comes(
    approved: CertificationRequest, bob: User, browser: Client
) -> None:
    open_session(browser, bob)
    assert "Take the approval back" in browser.get(f"/queue/{approved.pk}").content.decode()
    sent = {"action": "reject", "reason": "The phone was stolen."}
    assert browser.post(f"/queue/{approved.pk}/decide", sent).status_code == 302
    approved.refresh_from_db()
    assert (approved.status, approved.reason) == (Status.REJECTED, "The phone was stolen.")
    with pytest.raises(ra.Refused, match="not waiting for its profile"):
        enrolled(comes(approved))


def test_what_the_device_has_is_revoked_and_not_taken_back(approved: CertificationRequest, bob: User) -> None:
    stale = CertificationRequest.objects.get(pk=approved.pk)
    enrolled(comes(approved))
    with pytest.raises(ra.Refused, match="no longer waiting"):
        ra.reject(request=stale, by=bob, address=HERE, reason="Too late.")


def test_its_owner_withdraws_it_until_the_device_comes(
    approved: CertificationRequest, alice: User, browser: Client
) -> None:
    open_session(browser, alice)
    assert "Withdraw this request" in browser.get(f"/requests/{approved.pk}").content.decode()
    assert browser.post(f"/requests/{approved.pk}/withdraw").status_code == 302
    approved.refresh_from_db()
    assert approved.status == Status.WITHDRAWN
    assert AuditEvent.objects.get(action="request.withdrawn").actor == "alice"
    with pytest.raises(ra.Refused, match="not waiting for its profile"):
        enrolled(comes(approved))
    assert "Withdraw this request" not in browser.get(f"/requests/{approved.pk}").content.decode()


def test_what_has_its_key_is_not_withdrawn(
    approved: CertificationRequest, alice: User, charlie: User
) -> None:
    stale = CertificationRequest.objects.get(pk=approved.pk)
    with pytest.raises(ra.Refused, match="somebody else's"):
        ra.withdraw(request=stale, by=charlie, address=HERE)
    enrolled(comes(approved))
    with pytest.raises(ra.Refused, match="no longer waiting: Issued"):
        ra.withdraw(request=stale, by=alice, address=HERE)
