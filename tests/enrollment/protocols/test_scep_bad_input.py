"""What SCEP tells nobody, and what is no SCEP."""

from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone

from accounts.models import User
from enrollment import challenges
from enrollment.models import ScepNonce
from enrollment.protocols import scep_once
from pki import authorities, crl
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.acts import Phones, about, again, approved, enrolled, refused
from tests.enrollment.protocols.conftest import WHERE, Face
from tests.pki.scep_client import Phone
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


def test_a_megabyte_of_nested_ber_is_too_much(face: Face) -> None:
    assert face.post(b"\x30\x80" * 60_000).status_code == 400
    assert face.post(b"\x30\x80" * 500_000).status_code in (400, 413)


@pytest.mark.parametrize("number", [0, 1, 3, 16, 18, 23, 99])
def test_other_kinds_of_messages_are_told_no(face: Face, phone: Phones, number: int) -> None:
    mine = phone()
    refused(face.asks(mine, mine.ask(mine.csr(), str(number))))
