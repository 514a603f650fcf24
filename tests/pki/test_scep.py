"""The pkiMessage codec against a client of our own that behaves as Apple's sources do."""

import random
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from pki import csr, scep
from pki.errors import CSRRejected, IssuanceRefused, MessageRejected
from pki.failinfo import REFUSALS, FailInfo, fail_info, refusal
from tests.pki.bad_csrs import nested
from tests.pki.scep_client import DATA, SCEP, Phone, inside, rsa_key, self_signed
from tests.pki.scep_house import House, Responder, certificate, house
from tests.pki.shapes import integer, oid, sequence, tlv

SUITES = [("aes128", "sha256"), ("des3", "sha1"), ("aes256", "sha512"), ("aes128", "sha1")]


@pytest.fixture
def home() -> House:
    return house()


@pytest.fixture
def phone(home: House) -> Phone:
    return Phone(home.ra.certificate)


def code(data: bytes, ra: scep.Ra) -> str:
    with pytest.raises(MessageRejected) as rejected:
        scep.decode(data, ra)
    return rejected.value.code


@pytest.mark.parametrize(("cipher", "digest"), SUITES)
def test_a_phone_gets_its_certificate(home: House, cipher: str, digest: str) -> None:
    phone = Phone(home.ra.certificate, cipher, digest)
    reply = phone.read(Responder(home).answer(phone.ask(phone.csr("secret"))))
    (leaf,) = reply.certificates  # alone
    assert leaf.public_key() == phone.key.public_key()
    assert (reply.status, reply.fail_info, reply.recipient_nonce) == ("0", None, phone.nonce)


def test_what_was_sent_comes_out(home: House, phone: Phone) -> None:
    wanted = phone.csr("secret")
    message = scep.decode(phone.ask(wanted), home.ra)
    assert message.message_type is scep.MessageType.PKCS_REQ
    assert message.content == wanted and csr.challenge(wanted) == "secret"
    assert message.transaction.transaction_id == phone.transaction
    assert message.transaction.sender_nonce == phone.nonce
    assert message.transaction.signer == phone.certificate
    assert message.transaction.key_sha256 == csr.parse(wanted).key_sha256
    assert "content_key" not in repr(message)


def test_a_message_can_be_opened_again_by_its_content_key_alone(home: House, phone: Phone) -> None:
    sent = phone.ask(phone.csr())
    message = scep.decode(sent, home.ra)
    assert scep.reopen(sent, message.content_key) == message
    for wrong in (bytes(16), b"", bytes(32)):
        with pytest.raises(MessageRejected):
            scep.reopen(sent, wrong)


def test_a_csr_without_a_challenge_has_none(phone: Phone) -> None:
    assert csr.challenge(phone.csr()) == ""


def test_pending_then_polled(home: House, phone: Phone) -> None:
    responder = Responder(home, waits=True)
    assert phone.read(responder.answer(phone.ask(phone.csr("secret")))).status == "3"
    reply = phone.read(responder.answer(phone.poll(home.issuing)))
    assert reply.status == "0" and reply.certificates[0].public_key() == phone.key.public_key()
    message = scep.decode(phone.poll(home.issuing), home.ra)
    assert message.message_type is scep.MessageType.CERT_POLL and message.content is None


@pytest.mark.parametrize("why", list(FailInfo))
def test_a_refusal_names_its_number(home: House, phone: Phone, why: FailInfo) -> None:
    transaction = scep.decode(phone.ask(phone.csr()), home.ra).transaction
    reply = phone.read(scep.failure(home.ra, transaction, why))
    assert (reply.status, reply.fail_info) == ("2", str(int(why)))


@pytest.mark.parametrize("kind", ["21", "22"])
def test_a_certificate_or_its_crl_can_be_asked_for(home: House, phone: Phone, kind: str) -> None:
    issuer = home.issuing.subject.public_bytes()
    message = scep.decode(phone.ask(sequence(issuer, integer(2**150)), kind), home.ra)
    assert message.content == scep.IssuerAndSerial(issuer, 2**150)


def test_a_crl_goes_alone_into_the_answer(home: House, phone: Phone) -> None:
    crl = tlv(0x30, tlv(0x30, integer(1)), sequence(oid("1.2.3")), tlv(3, b"\0"))
    assert crl in scep.signed.degenerate([], [crl])
    transaction = scep.decode(phone.ask(phone.csr()), home.ra).transaction
    assert scep.success(home.ra, transaction, crls=[crl])


def test_the_ca_certificates_come_as_a_degenerate_message(home: House) -> None:
    der = scep.ca_certificates(home.ra.certificate, home.chain())
    assert set(pkcs7.load_der_pkcs7_certificates(der)) == {home.ra.certificate, home.issuing, home.root}
    assert {one.subject for one in inside(der)[0]} == {
        one.subject for one in (home.ra.certificate, home.issuing, home.root)
    }


def test_the_capabilities_stand_one_to_a_line() -> None:
    expected = "Renewal SHA-1 SHA-256 AES DES3 SCEPStandard POSTPKIOperation"
    assert scep.CAPABILITIES.splitlines() == expected.split(" ")


@pytest.mark.parametrize("number", range(100))
def test_only_known_kinds_of_messages_are_answered(home: House, phone: Phone, number: int) -> None:
    issuer = home.issuing.subject.public_bytes()
    contents = {17: phone.csr(), 19: phone.csr(), 20: sequence(issuer, issuer)}
    data = phone.ask(contents.get(number, sequence(issuer, integer(5))), str(number))
    if number in (17, 19, 20, 21, 22):
        assert scep.decode(data, home.ra).message_type == str(number)
        return
    with pytest.raises(scep.Answerable) as refused:
        scep.decode(data, home.ra)
    assert (refused.value.code, refused.value.fail_info) == ("message-type", FailInfo.BAD_REQUEST)


def test_an_envelope_for_somebody_else_is_refused_and_answered(home: House) -> None:
    key = rsa_key("another RA")
    other = certificate(
        "other", key.public_key(), home.issuing, home.issuing_key, "keyEncipherment", ca=False
    )
    phone = Phone(other)
    with pytest.raises(scep.Answerable) as refused:
        scep.decode(phone.ask(phone.csr()), home.ra)
    assert refused.value.code == "recipient"
    phone.ra = home.ra.certificate
    assert (
        phone.read(scep.failure(home.ra, refused.value.transaction, refused.value.fail_info)).fail_info == "1"
    )


def test_every_fault_inside_the_envelope_is_the_same(home: House, phone: Phone) -> None:
    wrong_key = scep.Ra(rsa_key("another RA"), home.ra.certificate)
    assert code(phone.ask(phone.csr()), wrong_key) == "sealed"
    for content in (b"", b"garbage", phone.csr()[:-1], phone.csr() + b"\0", integer(5)):
        assert code(phone.ask(content), home.ra) == "sealed"
    assert code(phone.ask(integer(5), "21"), home.ra) == "sealed"
    assert code(phone.ask(sequence(integer(5)), "20"), home.ra) == "sealed"


def test_single_des_is_refused_but_for_tests(home: House) -> None:
    phone = Phone(home.ra.certificate, cipher="des")
    wanted = phone.csr("secret")
    assert code(phone.ask(wanted), home.ra) == "algorithm"
    message = scep.decode(phone.ask(wanted), home.ra, single_des=True)
    assert message.content == wanted and message.transaction.cipher.name == "AES-128"


@pytest.mark.parametrize(
    "changed",
    [
        {f"{SCEP}.7": b""},
        {f"{SCEP}.7": tlv(0x13, b"")},
        {f"{SCEP}.7": tlv(0x13, b"x" * 129)},
        {f"{SCEP}.7": tlv(0x13, b"line\nbreak")},
        {f"{SCEP}.7": tlv(0x0C, b"utf8")},
        {f"{SCEP}.7": tlv(0x13, b"one") + tlv(0x13, b"two")},
        {f"{SCEP}.5": b""},
        {f"{SCEP}.5": tlv(4, b"short")},
        {f"{SCEP}.5": tlv(4, bytes(65))},
        {"1.2.840.113549.1.9.3": b""},
        {"1.2.840.113549.1.9.3": oid("1.2.3")},
    ],
)
def test_attributes_are_there_once_and_well_formed(
    home: House, phone: Phone, changed: dict[str, bytes]
) -> None:
    phone.attributes = changed
    assert code(phone.ask(phone.csr()), home.ra) == "attributes"


@pytest.mark.parametrize("changed", [tlv(4, bytes(32)), b"", tlv(4, b"") + tlv(4, b"")])
def test_the_digest_is_that_of_the_content(home: House, phone: Phone, changed: bytes) -> None:
    phone.attributes = {"1.2.840.113549.1.9.4": changed}
    assert code(phone.ask(phone.csr()), home.ra) in ("signature", "damaged")


def test_the_same_attribute_twice_is_refused(
    home: House, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Phone.signed_attributes
    monkeypatch.setattr(Phone, "signed_attributes", lambda *args: once(*args) * 2)
    assert code(phone.ask(phone.csr()), home.ra) == "attributes"


def test_attributes_may_be_signed_in_the_order_they_came(
    home: House, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.sorted", lambda found: list(reversed(found)), raising=True)
    sent = phone.ask(phone.csr())
    monkeypatch.undo()
    assert scep.decode(sent, home.ra)


def test_a_signature_by_another_key_is_refused(home: House, phone: Phone) -> None:
    phone.certificate = self_signed(rsa_key("stranger"))
    assert code(phone.ask(phone.csr()), home.ra) == "signature"


def test_a_signer_without_an_rsa_key_is_refused(home: House, phone: Phone) -> None:
    phone.certificate = self_signed(ec.generate_private_key(ec.SECP256R1()))
    assert code(phone.ask(phone.csr()), home.ra) == "signer-key"


def test_our_own_answers_are_no_questions(home: House, phone: Phone) -> None:
    transaction = scep.decode(phone.ask(phone.csr()), home.ra).transaction
    assert code(scep.pending(home.ra, transaction), home.ra) == "message-type"
    ours = replace(transaction, signer=home.ra.certificate)
    assert code(scep.success(home.ra, ours, certificates=home.chain()[:1]), home.ra) == "message-type"


def test_garbage_large_and_deep_is_refused(home: House, phone: Phone) -> None:
    assert code(b"", home.ra) == code(b"GET / HTTP/1.1", home.ra) == code(DATA, home.ra) == "damaged"
    assert code(nested(30), home.ra) == "damaged"
    assert code(nested(40), home.ra) == code(b"\x30\x80" * 60_000, home.ra) == "nested"
    assert code(bytes(1_000_000), home.ra) == code(b"\x30\x80" * 500_000, home.ra) == "too-large"
    assert code(phone.sign(b"\x30\x80" * 60_000), home.ra) == "nested"
    assert code(phone.sign(b""), home.ra) == code(phone.sign(phone.csr()), home.ra) == "damaged"


def plain(message: scep.PkiMessage) -> tuple[object, ...]:
    transaction = replace(message.transaction, signer=message.transaction.signer.public_key())
    return message.message_type, message.content, message.content_key, transaction


@pytest.mark.slow
def test_ten_thousand_damaged_messages_raise_nothing_else(home: House, phone: Phone) -> None:
    good = bytearray(phone.ask(phone.csr("secret")))
    chance, codes = random.Random(8894), set()
    for turn in range(10_000):
        bad = bytearray(good)
        if turn % 4 == 0:
            del bad[chance.randrange(len(bad)) :]
        else:
            for _ in range(chance.choice((1, 1, 2, 8))):
                bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        try:
            message = scep.decode(bytes(bad), home.ra)
        except MessageRejected as error:
            codes.add(error.code)
        else:  # flips in what nobody signs: a version, parameters without use, the phone's own certificate
            assert plain(message) == plain(scep.decode(bytes(good), home.ra))
    assert {"damaged", "signature"} <= codes <= set(REFUSALS)


@pytest.mark.slow
def test_two_thousand_damaged_and_signed_envelopes_raise_nothing_else(home: House, phone: Phone) -> None:
    good, chance, codes = phone.seal(phone.csr("secret")), random.Random(5652), set()
    for _ in range(2000):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        try:
            scep.decode(phone.sign(bytes(bad)), home.ra)
        except scep.Answerable as error:
            codes.add(error.code)
    assert {"damaged", "sealed", "recipient"} <= codes <= set(REFUSALS)


def test_every_error_has_a_number() -> None:
    for word, (_, number) in REFUSALS.items():
        assert fail_info(refusal(word)) is number
    assert fail_info(CSRRejected("", code="key-size")) is FailInfo.BAD_ALG
    assert fail_info(CSRRejected("", code="signature")) is FailInfo.BAD_MESSAGE_CHECK
    assert fail_info(IssuanceRefused("", code="days")) is FailInfo.BAD_REQUEST


@pytest.mark.slow
@pytest.mark.parametrize(("cipher", "digest"), SUITES)
def test_openssl_reads_the_answers(home: House, tmp_path: Path, cipher: str, digest: str) -> None:
    phone = Phone(home.ra.certificate, cipher, digest)
    transaction = scep.decode(phone.ask(phone.csr()), home.ra).transaction
    trusted = home.root.public_bytes(Encoding.PEM) + home.issuing.public_bytes(Encoding.PEM)
    (tmp_path / "ca.pem").write_bytes(trusted)
    verify = ["openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-CAfile"]
    for reply in (
        scep.success(home.ra, transaction, certificates=home.chain()[:1]),
        scep.pending(home.ra, transaction),
        scep.failure(home.ra, transaction, FailInfo.BAD_REQUEST),
    ):
        done = subprocess.run([*verify, tmp_path / "ca.pem"], input=reply, capture_output=True)
        assert done.returncode == 0, done.stderr
