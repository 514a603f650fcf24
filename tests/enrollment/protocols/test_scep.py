"""SCEP on the status face: a phone as Apple's sources have it, and programs that wait."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from enrollment import challenges, ra
from enrollment.models import CertificationRequest, EnrolmentChallenge, ScepNonce, ScepTransaction, Status
from enrollment.protocols import scep_ra
from pki import authorities, scep
from pki.models import Certificate
from portal import services
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.acts import Phones, again, approved, refused
from tests.enrollment.protocols.conftest import Face
from tests.pki.scep_client import SCEP
from tests.pki.shapes import tlv


def test_capabilities_and_certificates(face: Face, registrar: scep.Ra) -> None:
    caps = face.get("GetCACaps", "The+Smiths")
    assert caps.headers["Content-Type"] == "text/plain"
    assert set(caps.content.decode().split()) == set(scep.CAPABILITIES.split())
    answer = face.get("GetCACert", "The+Smiths")
    assert answer.headers["Content-Type"] == "application/x-x509-ca-ra-cert"  # exactly, or iOS takes none
    found = {one.public_bytes(Encoding.DER) for one in pkcs7.load_der_pkcs7_certificates(answer.content)}
    assert found == {registrar.certificate.public_bytes(Encoding.DER), *authorities.chain("clients")}


@pytest.mark.parametrize(("cipher", "digest"), [("aes128", "sha256"), ("des3", "sha1")])
def test_a_phone_gets_its_certificate_by_post_and_once_more_by_get(
    face: Face, phone: Phones, alice: User, bob: User, cipher: str, digest: str
) -> None:
    request, challenge = approved(alice, bob)
    mine = phone(cipher=cipher, digest=digest)
    reply = face.asks(mine, mine.ask(mine.csr(challenge, "what it likes")))
    (leaf,) = reply.certificates
    assert leaf.public_key() == mine.key.public_key() and reply.recipient_nonce == mine.nonce
    assert "alice's phone" in leaf.subject.rfc4514_string()
    request.refresh_from_db()
    assert request.status == Status.ISSUED
    assert face.asks_by_get(again(mine), mine.ask(mine.csr(challenge))).certificates == [leaf]
    lines = AuditEvent.objects.filter(target=str(request.pk)).order_by("sequence")
    actions = list(lines.values_list("action", flat=True))
    assert actions[-2:] == ["request.key", "request.issued"]


def test_another_key_with_the_same_challenge_is_told_no(
    face: Face, phone: Phones, alice: User, bob: User
) -> None:
    _, challenge = approved(alice, bob)
    mine, thief = phone(), phone("thief")
    face.asks(mine, mine.ask(mine.csr(challenge)))
    refused(face.asks(thief, thief.ask(thief.csr(challenge))))
    assert AuditEvent.objects.filter(action="request.second-key").count() == 1


@pytest.mark.parametrize("challenge", ["", "guessed", "a guess that is long enough to be one"])
def test_a_guessed_challenge_is_told_no_and_leaves_nothing(face: Face, phone: Phones, challenge: str) -> None:
    mine = phone()
    lines = AuditEvent.objects.count()
    refused(face.asks(mine, mine.ask(mine.csr(challenge))))
    assert not CertificationRequest.objects.exists() and AuditEvent.objects.count() == lines
    assert not ScepTransaction.objects.exists() and not ScepNonce.objects.exists()


def test_a_lapsed_approval_is_told_no(face: Face, phone: Phones, alice: User, bob: User) -> None:
    _, challenge = approved(alice, bob)
    CertificationRequest.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    mine = phone()
    refused(face.asks(mine, mine.ask(mine.csr(challenge))))


def test_a_message_signed_by_another_key_than_it_brings_is_told_no(
    face: Face, phone: Phones, alice: User, bob: User
) -> None:
    request, challenge = approved(alice, bob)
    mine = phone()
    refused(face.asks(mine, mine.ask(phone("smuggled").csr(challenge))))
    request.refresh_from_db()
    assert request.status == Status.APPROVED and not request.key_sha256


def test_while_the_signer_is_away_the_phone_waits(
    face: Face, phone: Phones, alice: User, bob: User, settings: Settings, issuing: x509.Certificate
) -> None:
    _, challenge = approved(alice, bob)
    socket, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, settings.DATA / "nobody.sock"
    mine = phone()
    assert face.asks(mine, mine.ask(mine.csr(challenge))).status == "3"
    settings.SIGNER_SOCKET = socket
    assert face.asks(again(mine), mine.poll(issuing)).status == "3"
    assert ra.issue_waiting() == 1
    assert len(face.asks(again(mine), mine.poll(issuing)).certificates) == 1


def test_a_program_asks_for_its_person_and_waits_for_the_officer(
    face: Face, phone: Phones, alice: User, bob: User, issuing: x509.Certificate
) -> None:
    challenge = challenges.make(by=alice, address=HERE, device="printer")
    assert len(challenge) == 24
    printer = phone("printer")
    sent = printer.ask(printer.csr(challenge))
    assert face.asks(printer, sent).status == "3"
    request = CertificationRequest.objects.get()
    assert (request.owner, request.device, request.kind) == (alice, "printer", "csr")
    assert face.asks(printer, sent).status == "3"  # certmonger: the very same once more
    assert face.asks(again(printer), printer.ask(printer.csr(challenge))).status == "3"
    assert face.asks(again(printer), printer.poll(issuing)).status == "3"
    assert CertificationRequest.objects.count() == 1
    ra.approve(request=request, by=bob, address=HERE)
    (leaf,) = face.asks(again(printer), printer.poll(issuing)).certificates
    assert leaf.public_key() == printer.key.public_key()


def test_what_the_officer_refused_is_refused(
    face: Face, phone: Phones, alice: User, bob: User, issuing: x509.Certificate
) -> None:
    printer = phone("printer")
    asked = printer.csr(challenges.make(by=alice, address=HERE, device="printer"))
    face.asks(printer, printer.ask(asked))
    ra.reject(request=CertificationRequest.objects.get(), by=bob, address=HERE, reason="No printers.")
    refused(face.asks(again(printer), printer.poll(issuing)))
    refused(face.asks(again(printer), printer.ask(asked)))
    anew = printer.csr(challenges.make(by=alice, address=HERE, device="printer"))
    assert face.asks(again(printer), printer.ask(anew)).status == "3"


def test_a_personal_challenge_works_once_and_for_a_day(face: Face, phone: Phones, alice: User) -> None:
    challenge = challenges.make(by=alice, address=HERE, device="printer")
    first, second = phone("printer"), phone("second printer")
    face.asks(first, first.ask(first.csr(challenge)))
    refused(face.asks(second, second.ask(second.csr(challenge))))
    late = challenges.make(by=alice, address=HERE, device="router")
    EnrolmentChallenge.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    refused(face.asks(again(second), second.ask(second.csr(late))))
    gone = challenges.make(by=alice, address=HERE, device="router")
    User.objects.update(is_active=False)
    refused(face.asks(again(second), second.ask(second.csr(gone))))
    assert CertificationRequest.objects.count() == 1


def test_only_so_many_challenges_wait(alice: User) -> None:
    for number in range(challenges.OPEN_EACH):
        challenges.make(by=alice, address=HERE, device=f"printer {number}")
    with pytest.raises(ra.Refused, match="wait to be used"):
        challenges.make(by=alice, address=HERE, device="one more")
    EnrolmentChallenge.objects.update(lapses_at=timezone.now() - timedelta(days=31))
    assert challenges.sweep() == challenges.OPEN_EACH


def test_an_old_ra_certificate_is_still_understood(face: Face, phone: Phones, alice: User, bob: User) -> None:
    _, challenge = approved(alice, bob)
    services.SCEP.path().unlink()
    services.renew_scep()
    mine = phone()
    mine.ra = scep_ra.ra().certificate
    Certificate.objects.filter(owner="service:scep").update(revoked_at=timezone.now())
    assert "revoked" in services.renew_scep()
    assert scep_ra.ra().certificate != mine.ra
    reply = face.asks(mine, mine.ask(mine.csr(challenge)))  # verified with the old one
    assert reply.status == "0"
    scep_ra.before().unlink()
    answer = face.post(again(mine).ask(mine.csr(challenge)))
    mine.ra = scep_ra.ra().certificate
    refused(mine.read(answer.content), "1")  # for somebody else


def test_without_a_certificate_of_its_own_it_asks_for_patience(face: Face) -> None:
    services.SCEP.path().unlink()
    for answer in (face.get("GetCACert"), face.post(b"x")):
        assert answer.status_code == 503 and b"Try again" in answer.content


def test_the_ras_key_is_readable_by_nobody_else(registrar: scep.Ra) -> None:
    assert scep_ra.present().stat().st_mode & 0o777 == 0o600
    assert registrar.key.key_size == 2048


def test_single_des_is_refused(face: Face, phone: Phones, settings: Settings) -> None:
    mine = phone(cipher="des")
    refused(face.asks(mine, mine.ask(mine.csr("x"))), "0")
    settings.SCEP_SINGLE_DES = True
    refused(face.asks(mine, mine.ask(mine.csr("x"))), "2")


def test_a_recipient_nonce_does_not_matter(face: Face, phone: Phones, alice: User, bob: User) -> None:
    _, challenge = approved(alice, bob)
    mine = phone()
    mine.attributes = {f"{SCEP}.6": tlv(4, bytes(16))}
    assert face.asks(mine, mine.ask(mine.csr(challenge))).status == "0"
