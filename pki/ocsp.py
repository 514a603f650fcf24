"""OCSP (RFC 6960, in the light profile of RFC 5019): requests in, answers out, both DER. Plain Python.

By hand, because no library here reads a request for several certificates or writes an answer about them, and
because an answer takes half the time so.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pki import builder, der

MAX_BYTES = 16 * 1024
MAX_CERTIFICATES = 32
MAX_NONCE = 128  # octets (RFC 9654 2.1)
LIFE = timedelta(minutes=10)  # from thisUpdate to nextUpdate: so long a program may believe it

# OCSPResponseStatus (RFC 6960 4.2.1): what is said without a signature.
MALFORMED, TRY_LATER, UNAUTHORIZED = 1, 3, 6

_SHA1, _SHA256 = der.oid("1.3.14.3.2.26"), der.oid("2.16.840.1.101.3.4.2.1")
_BASIC, _NONCE = der.oid("1.3.6.1.5.5.7.48.1.1"), der.oid("1.3.6.1.5.5.7.48.1.2")
_CONTEXT = (0xA0, 0xA1, 0xA2)  # [0], [1], [2], constructed
_ARCS = re.compile(rb"(?:(?!\x80)[\x80-\xff]*[\x00-\x7f])+", re.DOTALL)  # X.690 8.19.2
_TRUE = b"\x01\x01\xff"
_GOOD, _UNKNOWN = b"\x80\x00", b"\x82\x00"
_REVOKED = 0xA1
_ECDSA = ec.ECDSA(hashes.SHA256())


class Malformed(ValueError):
    """What came is no OCSP request, or one that we do not answer."""


@dataclass(frozen=True)
class CertId:
    """Which certificate is asked about (RFC 6960 4.1.1)."""

    algorithm: bytes  # AlgorithmIdentifier, DER
    name_hash: bytes
    key_hash: bytes
    serial: int

    @property
    def issuer(self) -> tuple[bytes, bytes, bytes]:
        return self.algorithm, self.name_hash, self.key_hash

    @property
    def der(self) -> bytes:
        hashed = der.octets(self.name_hash), der.octets(self.key_hash)
        return der.sequence(self.algorithm, *hashed, der.integer(self.serial))


@dataclass(frozen=True)
class Request:
    ids: tuple[CertId, ...]
    nonce: bytes | None


@dataclass(frozen=True)
class Standing:
    """How a certificate that we issued stands. `revoked_at` is UTC, None while it is good."""

    revoked_at: datetime | None
    reason: int | None  # CRLReason (RFC 5280 5.3.1); None: unspecified


def parse(data: bytes) -> Request:
    """The request in `data`. Its signature, if it has one, says nothing to us. Raises Malformed."""
    try:
        if len(data) > MAX_BYTES:
            raise Malformed("too long")
        der.check(data)
        return _request(data)
    except (der.BadDER, IndexError) as error:
        raise Malformed(str(error)) from error


def _request(data: bytes) -> Request:
    outer = _inside(data, 0, der.SEQUENCE)
    _expect(1 <= len(outer) <= 2 and all(data[at] == 0xA0 for at in outer[1:]))
    parts = _inside(data, outer[0], der.SEQUENCE)
    if parts and data[parts[0]] == _CONTEXT[0]:  # version, v1
        _expect(_content(data, _inside(data, parts.pop(0), _CONTEXT[0])[0], der.INTEGER) == b"\0")
    if parts and data[parts[0]] == _CONTEXT[1]:  # requestorName: whoever asks gets the same answer
        parts.pop(0)
    _expect(1 <= len(parts) <= 2)
    asked = _inside(data, parts[0], der.SEQUENCE)
    _expect(1 <= len(asked) <= MAX_CERTIFICATES)
    return Request(
        tuple(_single(data, at) for at in asked), _extensions(data, parts[1], 2) if parts[1:] else None
    )


def _single(data: bytes, at: int) -> CertId:
    parts = _inside(data, at, der.SEQUENCE)
    _expect(1 <= len(parts) <= 2)
    if parts[1:]:
        _extensions(data, parts[1], 0)
    inner = _inside(data, parts[0], der.SEQUENCE)
    _expect(len(inner) == 4)
    algorithm = _inside(data, inner[0], der.SEQUENCE)
    _expect(1 <= len(algorithm) <= 2)
    arcs = _content(data, algorithm[0], der.OID)
    _expect(_ARCS.fullmatch(arcs) is not None)  # it is repeated in the answer, which is DER then, too
    oid = der.tlv(der.OID, arcs)
    if algorithm[1:]:
        _expect(data[algorithm[1]] == 5 and not _content(data, algorithm[1], 5))
        oid += der.NULL
    name, key = (_content(data, part, der.OCTET_STRING) for part in inner[1:3])
    serial = _content(data, inner[3], der.INTEGER)
    value = int.from_bytes(serial, "big", signed=True)
    _expect(1 <= len(serial) <= 21 and der.integer(value) == der.tlv(der.INTEGER, serial))
    return CertId(der.sequence(oid), name, key, value)


def _extensions(data: bytes, at: int, tag: int) -> bytes | None:
    """The nonce. Others are passed over, unless they are critical (RFC 6960 4.4)."""
    (only,) = _inside(data, at, _CONTEXT[tag], 1)
    nonce = None
    for extension in _inside(data, only, der.SEQUENCE):
        parts = _inside(data, extension, der.SEQUENCE)
        _expect(2 <= len(parts) <= 3)
        oid = der.tlv(der.OID, _content(data, parts[0], der.OID))
        value = _content(data, parts[-1], der.OCTET_STRING)
        critical = len(parts) == 3 and der.tlv(1, _content(data, parts[1], 1)) == _TRUE
        if oid == _NONCE and tag == 2:
            _expect(nonce is None)
            nonce = _content(value, 0, der.OCTET_STRING)
            _expect(1 <= len(nonce) <= MAX_NONCE and der.octets(nonce) == value)
        else:
            _expect(not critical)
    return nonce


def _expect(right: bool) -> None:
    if not right:
        raise Malformed("not as RFC 6960 4.1.1 writes it")


def _content(data: bytes, at: int, tag: int) -> bytes:
    found, start, end = der.header(data, at)
    _expect(found == tag and end <= len(data))
    return data[start:end]


def _inside(data: bytes, at: int, tag: int, count: int = 0) -> list[int]:
    """Offsets of the elements inside the one at `at`; with `count`, that many."""
    found, start, end = der.header(data, at)
    _expect(found == tag)
    offsets: list[int] = []
    while start < end and len(offsets) <= MAX_CERTIFICATES:
        offsets.append(start)
        start = der.header(data, start)[2]
    _expect(not count or len(offsets) == count)
    return offsets


def error(status: int) -> bytes:
    """An OCSPResponse that says nothing about a certificate, and so is not signed (RFC 6960 2.3)."""
    return der.sequence(der.tlv(der.ENUMERATED, bytes([status])))


class Responder:
    """Who answers for one CA: a key with a certificate for just that (RFC 6960 4.2.2.2)."""

    def __init__(
        self, issuer: x509.Certificate, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> None:
        certificate.verify_directly_issued_by(issuer)
        if key.public_key() != certificate.public_key():
            raise ValueError("the key is not the certificate's")
        self.key_id = bytes.fromhex(builder.key_id(issuer))
        self.ends = certificate.not_valid_after_utc
        self._key = key
        self._id = der.tlv(_CONTEXT[2], der.octets(_sha1(_key_bits(certificate))))
        self._certificates = der.tlv(_CONTEXT[0], der.sequence(certificate.public_bytes(Encoding.DER)))
        name, bits = issuer.subject.public_bytes(), _key_bits(issuer)
        self._issuers = {
            (der.sequence(oid + parameters), digest(name), digest(bits))
            for oid, digest in ((_SHA1, _sha1), (_SHA256, _sha256))
            for parameters in (b"", der.NULL)
        }

    def knows(self, asked: CertId) -> bool:
        """Whether the certificate would be of our CA: name and key are both compared."""
        return asked.issuer in self._issuers

    def answer(
        self,
        ids: Sequence[CertId],
        standing: Callable[[int], Standing | None],
        now: datetime,
        nonce: bytes | None,
    ) -> bytes:
        """A signed answer about `ids`. `standing` tells of a serial number how it stands, or None when we
        never issued it: then we say unknown, never good. `now` is UTC, whole seconds."""
        until = min(now + LIFE, self.ends)
        times = der.generalized_time(now) + der.tlv(_CONTEXT[0], der.generalized_time(until))
        singles = [
            der.sequence(asked.der, _status(standing(asked.serial) if self.knows(asked) else None), times)
            for asked in ids
        ]
        extensions = b"" if nonce is None else der.tlv(_CONTEXT[1], der.sequence(_nonce(nonce)))
        tbs = der.sequence(self._id, der.generalized_time(now), der.sequence(*singles), extensions)
        signed = builder.signed_with(self._key.sign(tbs, _ECDSA))
        basic = der.sequence(_BASIC, der.octets(der.sequence(tbs, signed, self._certificates)))
        return der.sequence(der.tlv(der.ENUMERATED, b"\0"), der.tlv(_CONTEXT[0], basic))


def _status(standing: Standing | None) -> bytes:
    if standing is None:
        return _UNKNOWN
    if standing.revoked_at is None:
        return _GOOD
    reason = b""
    if standing.reason is not None:
        reason = der.tlv(_CONTEXT[0], der.tlv(der.ENUMERATED, bytes([standing.reason])))
    return der.tlv(_REVOKED, der.generalized_time(standing.revoked_at.astimezone(UTC)), reason)


def _nonce(nonce: bytes) -> bytes:
    return der.sequence(_NONCE, der.octets(der.octets(nonce)))


def _key_bits(certificate: x509.Certificate) -> bytes:
    """subjectPublicKey without tag, length and unused bits (RFC 6960 4.1.1); of a key on a curve."""
    return certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _sha1(content: bytes) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
