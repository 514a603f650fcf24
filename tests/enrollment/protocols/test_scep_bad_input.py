"""What SCEP tells nobody, and what is no SCEP."""

import tracemalloc
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.utils import timezone

from accounts.models import User
from enrollment import challenges
from enrollment.models import ScepNonce, Status
from enrollment.protocols import scep_once
from enrollment.protocols.scep_limits import Limits
from pki import authorities, crl, scep
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.acts import Phones, about, again, approved, enrolled, refused
from tests.enrollment.protocols.conftest import WHERE, Face
from tests.pki.scep_client import Phone, self_signed
from tests.pki.scep_house import house
from tests.pki.shapes import sequence, tlv


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


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80" * 500_000,
        b"\x30\x80" * 65_000,
        b"\x30\x83\x01\xfb\xd0" + b"\x05\x00" * 65_000,
        b"\x24\x80" * 65_000,
        b"\xa0\x84\x7f\xff\xff\xff" + bytes(100_000),
    ],
    ids=["a megabyte, nested", "nested", "many parts", "a string in strings", "a length that is none"],
)
def test_large_and_nested_messages_cost_little(face: Face, data: bytes) -> None:
    tracemalloc.start()
    try:
        assert face.post(data).status_code in (400, 413)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(data) + 2_000_000  # bytes; the message itself is among them


def test_other_kinds_of_messages_are_told_no(
    face: Face, phone: Phones, fresh_limits: Limits, issuing: x509.Certificate
) -> None:
    mine = phone()
    for number in range(100):
        fresh_limits.paid_until.clear()
        reply = face.asks(again(mine), mine.ask(mine.csr(), str(number)))
        assert (reply.status, reply.certificates, reply.crls) == ("2", [], []), number
        if number not in (17, 19, 20, 21, 22):
            refused(reply, "2")


def test_a_broken_name_in_the_signers_certificate_is_answered_with_400(
    face: Face, phone: Phones, alice: User, bob: User
) -> None:
    """Nobody signs a self-signed certificate's name but its key: it could say anything."""
    request, challenge = approved(alice, bob)
    mine = phone()
    mine.certificate = self_signed(mine.key, "phone")
    sent = mine.ask(mine.csr(challenge))
    for broken in (b"\x1e\x05phone", b"\x0c\x05ph\xff\xfee", b"\x02\x05phone"):
        assert face.post(sent.replace(b"\x0c\x05phone", broken)).status_code == 400
    request.refresh_from_db()
    assert not request.key_sha256


def test_an_envelope_for_somebody_else_is_told_so(face: Face, phone: Phones, registrar: scep.Ra) -> None:
    mine = phone()
    mine.ra = house().ra.certificate  # another household's
    answer = face.post(mine.ask(mine.csr("x")))
    mine.ra = registrar.certificate
    refused(mine.read(answer.content), "1")


def test_a_challenge_for_somebody_else_is_worth_nothing(
    face: Face, phone: Phones, alice: User, bob: User, charlie: User
) -> None:
    """Whoever is known here as another person gets nothing of alice's by her challenge."""
    theirs = phone("charlie's")
    enrolled(face, theirs, charlie, bob)
    request, challenge = approved(alice, bob)
    unsigned = phone("charlie's")  # the same key, but not shown as a certificate of ours
    unsigned.transaction = "another"
    refused(face.asks(unsigned, unsigned.ask(unsigned.csr(challenge))))
    (leaf,) = face.asks(theirs, theirs.ask(phone("next").csr(challenge))).certificates
    assert leaf.subject.rfc4514_string().startswith("CN=charlie's phone")  # a renewal of their own
    request.refresh_from_db()
    assert request.status == Status.APPROVED and not request.key_sha256


def test_the_same_key_gets_no_second_device(face: Face, phone: Phones, alice: User, bob: User) -> None:
    enrolled(face, phone(), alice, bob)
    request, challenge = approved(alice, bob)
    again_mine = phone()
    again_mine.transaction = "another"
    refused(face.asks(again_mine, again_mine.ask(again_mine.csr(challenge))))
    request.refresh_from_db()
    assert request.status == Status.APPROVED and not request.key_sha256


def test_somebody_elses_live_certificate_opens_no_certificate(
    face: Face, phone: Phones, alice: User, bob: User, charlie: User, issuing: x509.Certificate
) -> None:
    mine, theirs = phone("alice's"), phone("charlie's")
    wanted = about(issuing, int(enrolled(face, mine, alice, bob).serial, 16))
    enrolled(face, theirs, charlie, bob)
    refused(face.asks(theirs, theirs.ask(wanted, "21")), "4")
    for serial in (0, 2**159, 2**4000):
        refused(face.asks(again(mine), mine.ask(about(issuing, serial), "21")), "4")


def test_a_forged_copy_of_a_certificate_of_ours_is_nobodys(
    face: Face, phone: Phones, alice: User, bob: User, issuing: x509.Certificate
) -> None:
    """With our issuer's name, the real serial and owner's name in it, and the thief's key."""
    mine, thief = phone("alice's"), phone("thief")
    old = enrolled(face, mine, alice, bob)
    builder = x509.CertificateBuilder(issuing.subject, mine.certificate.subject, thief.key.public_key())
    builder = builder.serial_number(mine.certificate.serial_number)
    builder = builder.not_valid_before(mine.certificate.not_valid_before_utc)
    builder = builder.not_valid_after(mine.certificate.not_valid_after_utc)
    thief.certificate = builder.sign(thief.key, hashes.SHA256())
    for kind, content in (("17", thief.csr()), ("21", about(issuing, int(old.serial, 16)))):
        refused(face.asks(again(thief), thief.ask(content, kind)), "4")


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("operation=PKIOperation", b"x" * 300_000, 413),
        ("a&" * 1001, b"", 400),
    ],
    ids=["too large", "too many parameters"],
)
def test_what_django_refuses_is_told_in_plain_text_and_fills_no_log(
    face: Face, caplog: pytest.LogCaptureFixture, query: str, body: bytes, status: int
) -> None:
    """Strangers send it: a page that fails to render were a hundred lines each time."""
    answer = face.client.post(f"{WHERE}?{query}", body, "application/x-pki-message")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert not [line for line in caplog.records if line.exc_info and line.name.startswith("portal")]
