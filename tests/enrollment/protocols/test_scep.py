"""SCEP on the status face: a phone as Apple's sources have it, programs that wait, what nobody is told."""

import os
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from enrollment import challenges, devices, ra
from enrollment.models import CertificationRequest, EnrolmentChallenge, ScepNonce, ScepTransaction, Status
from enrollment.protocols import scep_once, scep_ra
from pki import authorities, crl, scep
from pki.models import Certificate
from portal import services
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.conftest import WHERE, Face
from tests.pki.scep_client import SCEP, Phone, Reply
from tests.pki.shapes import integer, sequence, tlv

Phones = Callable[..., Phone]


def again(phone: Phone) -> Phone:
    """Before its next message."""
    phone.nonce = os.urandom(16)
    return phone


def approved(alice: User, bob: User) -> tuple[CertificationRequest, str]:
    """A device that waits for its key, and its challenge."""
    asked = ra.ask_for_device(by=alice, address=HERE, device="phone")
    done = ra.approve(request=asked, by=bob, address=HERE)
    return done, devices.challenge_of(done)


def enrolled(face: Face, phone: Phone, alice: User, bob: User) -> Certificate:
    """The phone has its certificate, and from now on signs with it."""
    _, challenge = approved(alice, bob)
    (leaf,) = face.asks(phone, phone.ask(phone.csr(challenge))).certificates
    phone.certificate = leaf
    again(phone)
    return Certificate.objects.get(owner=str(alice.pk), revoked_at=None)


def refused(reply: Reply, why: str = "2") -> None:
    assert (reply.status, reply.fail_info, reply.certificates) == ("2", why, [])


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


@pytest.mark.parametrize("kind", ["17", "19"])
def test_a_live_certificate_renews_itself_once(
    face: Face, phone: Phones, alice: User, bob: User, kind: str
) -> None:
    """By RenewalReq (strongSwan), or by a PKCSReq that the old key signs (certmonger)."""
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    wanted = phone("next").csr()
    (leaf,) = face.asks(mine, mine.ask(wanted, kind)).certificates
    assert leaf.public_key() == phone("next").key.public_key()
    assert leaf.subject == x509.load_der_x509_certificate(bytes(old.der)).subject
    successor = CertificationRequest.objects.get(predecessor=old)
    assert (successor.kind, successor.owner, successor.proof) == ("renewal", alice, {})
    assert face.asks(again(mine), mine.ask(wanted, kind)).certificates == [leaf]
    refused(face.asks(again(mine), mine.ask(phone("third").csr(), kind)))
    line = AuditEvent.objects.get(action="scep.refused")
    assert (line.target, line.detail["why"][:30]) == (str(old.pk), "This certificate was renewed a")
    assert AuditEvent.objects.get(action="request.renewal").detail["renews"] == old.serial


def test_the_same_key_can_be_renewed(face: Face, phone: Phones, alice: User, bob: User) -> None:
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    (leaf,) = face.asks(mine, mine.ask(mine.csr(), "17")).certificates
    assert leaf.public_key() == mine.key.public_key() and f"{leaf.serial_number:x}" != old.serial


def test_a_renewal_waits_for_the_signer_with_its_proof(
    face: Face, phone: Phones, alice: User, bob: User, settings: Settings, issuing: x509.Certificate
) -> None:
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    socket, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, settings.DATA / "nobody.sock"
    assert face.asks(mine, mine.ask(phone("next").csr(), "17")).status == "3"
    settings.SIGNER_SOCKET = socket
    assert ra.issue_waiting() == 1
    assert CertificationRequest.objects.get(predecessor=old).status == Status.ISSUED
    assert len(face.asks(again(mine), mine.poll(issuing)).certificates) == 1


@pytest.mark.parametrize("end", ["revoked", "expired", "left"])
def test_a_dead_certificate_renews_nothing(
    face: Face, phone: Phones, alice: User, bob: User, end: str
) -> None:
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    if end == "revoked":
        Certificate.objects.filter(pk=old.pk).update(revoked_at=timezone.now(), reason="superseded")
    elif end == "expired":
        Certificate.objects.filter(pk=old.pk).update(not_after=timezone.now() - timedelta(seconds=1))
    else:
        User.objects.filter(pk=alice.pk).update(is_active=False)
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")))


def test_the_signer_refuses_what_the_web_side_forgot_to(
    face: Face, phone: Phones, alice: User, bob: User
) -> None:
    """Revoked in the journal; our row says it lives, as after a restored backup."""
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    ra.revoke(request=old.request, by=alice, address=HERE, reason="superseded")
    Certificate.objects.filter(pk=old.pk).update(revoked_at=None, reason="")
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")))
    assert CertificationRequest.objects.get(predecessor=old).status == Status.REJECTED


def test_a_certificate_of_somebody_else_renews_nothing(face: Face, phone: Phones) -> None:
    mine = phone()  # self-signed
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")), "4")


def test_the_ras_own_certificate_renews_nothing(face: Face, phone: Phones, registrar: scep.Ra) -> None:
    mine = phone()
    mine.key, mine.certificate = registrar.key, registrar.certificate
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")), "4")


def test_a_transaction_id_belongs_to_the_key_that_began_it(
    face: Face, phone: Phones, alice: User, bob: User, issuing: x509.Certificate
) -> None:
    mine, other = phone(), phone("other")
    enrolled(face, mine, alice, bob)
    request, challenge = approved(alice, bob)
    other.transaction = mine.transaction
    refused(face.asks(other, other.poll(issuing)))
    refused(face.asks(again(other), other.ask(other.csr(challenge))))
    request.refresh_from_db()
    assert not request.key_sha256  # nothing was used up
    other.transaction = "0" * 40
    assert face.asks(again(other), other.ask(other.csr(challenge))).status == "0"


def test_a_poll_about_nothing_is_told_so(face: Face, phone: Phones, issuing: x509.Certificate) -> None:
    mine = phone()
    refused(face.asks(mine, mine.poll(issuing)), "4")


def test_a_nonce_is_good_for_one_message(
    face: Face, phone: Phones, alice: User, issuing: x509.Certificate
) -> None:
    printer = phone("printer")
    face.asks(printer, printer.ask(printer.csr(challenges.make(by=alice, address=HERE, device="printer"))))
    refused(face.asks(printer, printer.poll(issuing)))  # the nonce of the request
    sent = again(printer).poll(issuing)
    assert face.asks(printer, sent).status == "3"
    refused(face.asks(printer, sent))
    ScepNonce.objects.update(at=timezone.now() - timedelta(days=61))
    assert scep_once.sweep() == 2


def about(issuer: x509.Certificate, serial: int) -> bytes:
    return sequence(issuer.subject.public_bytes(), integer(serial))


def test_a_certificate_is_given_to_its_owner_and_to_nobody_else(
    face: Face, phone: Phones, alice: User, bob: User, issuing: x509.Certificate
) -> None:
    mine, stranger = phone(), phone("stranger")
    old = enrolled(face, mine, alice, bob)
    wanted = about(issuing, int(old.serial, 16))
    assert face.asks(mine, mine.ask(wanted, "21")).certificates == [mine.certificate]
    refused(face.asks(stranger, stranger.ask(wanted, "21")), "4")
    refused(face.asks(mine, mine.ask(about(issuing, 1), "21")), "4")
    below_zero = sequence(issuing.subject.public_bytes(), tlv(2, b"\xff"))
    refused(face.asks(mine, mine.ask(below_zero, "21")), "4")
    refused(face.asks(mine, mine.ask(about(registrar_of(mine), int(old.serial, 16)), "21")), "4")


def registrar_of(phone: Phone) -> x509.Certificate:
    return phone.ra


def test_lists_are_given_to_everybody(face: Face, phone: Phones, issuing: x509.Certificate) -> None:
    crl.publish("clients")
    mine = phone()
    root = x509.load_der_x509_certificate(authorities.chain("clients")[1])
    for issuer, name in ((issuing, "clients"), (root, "clients-root")):
        assert face.asks(mine, mine.ask(about(issuer, 1), "22")).crls == [crl.published(name)]
    refused(face.asks(mine, mine.ask(about(mine.certificate, 1), "22")), "4")


@pytest.mark.parametrize("query", ["", "?operation=", "?operation=GetNextCACert", "?operation=pkioperation"])
def test_other_operations_are_answered_with_a_sentence(face: Face, query: str) -> None:
    answer = face.client.get(f"{WHERE}{query}")
    assert answer.status_code == 400 and b"GetCACaps" in answer.content


@pytest.mark.parametrize("message", ["", "!", "MIAG", "AAAA" * 100])
def test_what_is_no_message_is_answered_with_400(face: Face, message: str) -> None:
    assert face.get("PKIOperation", message).status_code == 400
    assert face.post(message.encode()).status_code == 400


def test_a_megabyte_of_nested_ber_is_too_much(face: Face) -> None:
    assert face.post(b"\x30\x80" * 60_000).status_code == 400
    assert face.post(b"\x30\x80" * 500_000).status_code in (400, 413)


@pytest.mark.parametrize("number", [0, 1, 3, 16, 18, 23, 99])
def test_other_kinds_of_messages_are_told_no(face: Face, phone: Phones, number: int) -> None:
    mine = phone()
    refused(face.asks(mine, mine.ask(mine.csr(), str(number))))


def test_damaged_messages_break_nothing(face: Face, phone: Phones, alice: User, bob: User) -> None:
    request, challenge = approved(alice, bob)
    mine, dice = phone(), random.Random(4)
    sent = mine.ask(mine.csr(challenge))
    for _ in range(100):
        place = dice.randrange(len(sent))
        changed = bytearray(sent)
        changed[place] ^= 1 << dice.randrange(8)
        assert face.post(bytes(changed)).status_code in (200, 400)
        assert face.post(sent[:place]).status_code == 400
    request.refresh_from_db()
    assert request.status in (Status.APPROVED, Status.ISSUED)  # a bit that nobody looks at may differ


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
