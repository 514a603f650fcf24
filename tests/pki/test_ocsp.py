"""OCSP by bytes: what is read, what is refused, and answers that others read."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as pyca

from pki import der, ocsp
from pki.ocsp import Responder, Standing
from tests.pki.ocsp_requests import House, asked, cert_id, extension, house, nonce_of, several

NOW = datetime.now(UTC).replace(microsecond=0)
NONCE = b"0123456789abcdef"


@pytest.fixture(scope="module")
def home() -> House:
    return house()


@pytest.fixture(scope="module")
def responder(home: House) -> Responder:
    return Responder(home.issuer, home.responder, home.key)


def answered(responder: Responder, data: bytes, standing: Standing | None) -> pyca.OCSPResponse:
    wanted = ocsp.parse(data)
    der = responder.answer(wanted.ids, lambda serial: standing, NOW, wanted.nonce)
    found = pyca.load_der_ocsp_response(der)
    assert found.public_bytes(Encoding.DER) == der
    return found


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])
@pytest.mark.parametrize("nonce", [None, NONCE, b"1", bytes(128)])
def test_an_answer_says_what_was_asked_and_is_signed_by_its_responder(
    home: House, responder: Responder, algorithm: hashes.HashAlgorithm, nonce: bytes | None
) -> None:
    question = asked(home.leaf, home.issuer, nonce, algorithm)
    found = answered(responder, question, Standing(None, None))
    theirs = pyca.load_der_ocsp_request(question)
    assert found.certificate_status is pyca.OCSPCertStatus.GOOD
    assert found.serial_number == home.leaf.serial_number
    assert (found.issuer_key_hash, found.issuer_name_hash) == (
        theirs.issuer_key_hash,
        theirs.issuer_name_hash,
    )
    assert (found.produced_at_utc, found.this_update_utc, found.next_update_utc) == (
        NOW,
        NOW,
        NOW + ocsp.LIFE,
    )
    public = home.responder.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(found.signature, found.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
    assert found.certificates == [home.responder]
    given = [extension.value.nonce for extension in found.extensions]
    assert given == ([] if nonce is None else [nonce])


@pytest.mark.parametrize(
    "reason",
    [None, *(found for found in x509.ReasonFlags if found.value not in ("unspecified", "removeFromCRL"))],
)
def test_a_revocation_comes_with_time_and_reason(
    home: House, responder: Responder, reason: x509.ReasonFlags | None
) -> None:
    numbers = {found: number for number, found in enumerate(REASONS) if found}
    at = NOW - timedelta(days=3)
    found = answered(
        responder, asked(home.leaf, home.issuer), Standing(at, numbers[reason.value] if reason else None)
    )
    assert found.certificate_status is pyca.OCSPCertStatus.REVOKED
    assert (found.revocation_time_utc, found.revocation_reason) == (at, reason)


REASONS = [  # RFC 5280 5.3.1, by number
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "",
    "removeFromCRL",
    "privilegeWithdrawn",
    "aACompromise",
]


def test_what_was_never_issued_is_unknown(home: House, responder: Responder) -> None:
    found = answered(responder, asked(home.leaf, home.issuer), None)
    assert found.certificate_status is pyca.OCSPCertStatus.UNKNOWN


def test_several_are_answered_in_one(home: House, responder: Responder) -> None:
    stranger = house()
    ids = [cert_id(home.issuer, 1), cert_id(stranger.issuer, 1), cert_id(home.issuer, 2)]
    wanted = ocsp.parse(several(*ids))
    states = {1: Standing(None, None), 2: Standing(NOW, 1)}
    found = pyca.load_der_ocsp_response(responder.answer(wanted.ids, states.get, NOW, None))
    assert [single.certificate_status.name for single in found.responses] == ["GOOD", "UNKNOWN", "REVOKED"]
    assert [single.serial_number for single in found.responses] == [1, 1, 2]


def test_only_our_own_issuer_is_known(home: House, responder: Responder) -> None:
    for algorithm in (hashes.SHA1(), hashes.SHA256()):
        assert responder.knows(ocsp.parse(asked(home.leaf, home.issuer, None, algorithm)).ids[0])
    half = cert_id(home.issuer, 1)
    (mixed,) = ocsp.parse(several(half[:65] + bytes(10) + half[75:])).ids
    assert not responder.knows(mixed)  # its name, another key
    assert not responder.knows(ocsp.parse(asked(home.leaf, home.issuer, None, hashes.SHA512())).ids[0])


def test_an_answer_ends_with_its_responder_at_the_latest(home: House) -> None:
    responder = Responder(home.issuer, home.responder, home.key)
    late = responder.ends - timedelta(minutes=1)
    wanted = ocsp.parse(asked(home.leaf, home.issuer))
    found = pyca.load_der_ocsp_response(responder.answer(wanted.ids, lambda serial: None, late, None))
    assert found.next_update_utc == responder.ends


def test_a_key_that_is_not_the_certificate_s_is_no_responder(home: House) -> None:
    with pytest.raises(ValueError, match="not the certificate's"):
        Responder(home.issuer, home.responder, ec.generate_private_key(ec.SECP256R1()))


ID = cert_id(house().issuer, 5)
VERSION_1 = der.tlv(0xA0, der.integer(0))
SAID = der.tlv(0xA1, der.tlv(0xA4, der.sequence()))  # requestorName
FINE = {
    "as it is": several(ID),
    "version said": several(ID, version=VERSION_1),
    "who asks": several(ID, name=SAID),
    "an unknown extension": several(ID, extensions=extension("1.2.3", b"\x05\x00")),
    "signed, by whomever": der.sequence(
        der.sequence(der.sequence(der.sequence(ID))), der.tlv(0xA0, der.sequence())
    ),
    "a negative number": several(cert_id(house().issuer, -5)),
    "as many as we take": several(*[ID] * ocsp.MAX_CERTIFICATES),
}
BAD = {
    "nothing": b"",
    "no DER": b"GET / HTTP/1.1",
    "a number": der.integer(5),
    "empty": der.sequence(),
    "nobody asked about": several(),
    "too many": several(*[ID] * (ocsp.MAX_CERTIFICATES + 1)),
    "too long": several(ID, extensions=extension("1.2.3", bytes(ocsp.MAX_BYTES))),
    "version 2": several(ID, version=der.tlv(0xA0, der.integer(1))),
    "no version": several(ID, version=der.tlv(0xA0)),
    "a long nonce": several(ID, extensions=nonce_of(bytes(129))),
    "an empty nonce": several(ID, extensions=nonce_of(b"")),
    "a bare nonce": several(ID, extensions=extension("1.3.6.1.5.5.7.48.1.2", NONCE)),
    "a nonce and more": several(ID, extensions=extension("1.3.6.1.5.5.7.48.1.2", der.octets(NONCE) + b"\0")),
    "critical and unknown": several(ID, extensions=extension("1.2.3", b"\x05\x00", critical=True)),
    "something after": several(ID) + b"\0",
    "no CertID": several(der.integer(5)),
    "half a CertID": several(der.sequence(der.sequence(der.oid("1.2.3")))),
    "a number of 22 bytes": several(cert_id(house().issuer, 1 << 170)),
    "parameters": several(
        ID.replace(bytes.fromhex("0609608648016503040201"), bytes.fromhex("0606608648016503020100"))
    ),
}


@pytest.mark.parametrize("name", FINE)
def test_requests_in_all_forms_are_read(name: str) -> None:
    assert ocsp.parse(FINE[name]).ids


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_request_is_malformed(name: str) -> None:
    with pytest.raises(ocsp.Malformed):
        ocsp.parse(BAD[name])


def test_any_mutation_is_answered_or_malformed(home: House, responder: Responder) -> None:
    random.seed(6960)
    seeds = [*FINE.values(), asked(home.leaf, home.issuer, NONCE), several(ID, extensions=nonce_of(NONCE))]
    for _ in range(4000):
        data = bytearray(random.choice(seeds))
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(data))
            data[at : at + random.choice((0, 1, 1, 2))] = random.randbytes(random.choice((0, 1, 1, 3)))
        try:
            wanted = ocsp.parse(bytes(data))
        except ocsp.Malformed:
            continue
        found = responder.answer(wanted.ids, lambda serial: None, NOW, wanted.nonce)
        assert pyca.load_der_ocsp_response(found).response_status is pyca.OCSPResponseStatus.SUCCESSFUL


def test_errors_are_answers_without_a_signature() -> None:
    statuses = (ocsp.MALFORMED, ocsp.TRY_LATER, ocsp.UNAUTHORIZED)
    names = [pyca.load_der_ocsp_response(ocsp.error(status)).response_status.name for status in statuses]
    assert names == ["MALFORMED_REQUEST", "TRY_LATER", "UNAUTHORIZED"]
