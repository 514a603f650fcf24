"""Bytes -> ParsedCSR, or CSRRejected: size, format, key policy, proof of possession (RFC 2986).

A CSR contributes its public key and nothing else. What it asks for besides is decoded only to be shown.
The web side calls `parse` at upload and the signer calls it again before it signs.
"""

import hashlib
import warnings
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import AttributeOID
from cryptography.x509.oid import SignatureAlgorithmOID as Alg

from pki import armour, asked, der, keypolicy
from pki.errors import CSRRejected
from pki.keypolicy import PublicKey
from pki.refusals import refusal

# A CN of any length is shown to people and never issued; cryptography would write this to the log.
warnings.filterwarnings("ignore", "Attribute's length must be", UserWarning, r"pki\.")

_ACCEPTED = {
    Alg.ECDSA_WITH_SHA256: "ECDSA with SHA-256",
    Alg.ECDSA_WITH_SHA384: "ECDSA with SHA-384",
    Alg.ECDSA_WITH_SHA512: "ECDSA with SHA-512",
    Alg.RSA_WITH_SHA256: "RSA with SHA-256",
    Alg.RSA_WITH_SHA384: "RSA with SHA-384",
    Alg.RSA_WITH_SHA512: "RSA with SHA-512",
    Alg.RSASSA_PSS: "RSA-PSS",
    Alg.ED25519: "Ed25519",
}
_PSS_DIGESTS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_FORGEABLE = {
    Alg.RSA_WITH_MD5.dotted_string,
    Alg.RSA_WITH_SHA1.dotted_string,
    Alg.ECDSA_WITH_SHA1.dotted_string,
    Alg.DSA_WITH_SHA1.dotted_string,
    "1.2.840.113549.1.1.2",  # MD2
    "1.2.840.113549.1.1.3",  # MD4
    "1.3.14.3.2.29",  # SHA-1 with RSA, as old Microsoft tools name it
}


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ParsedCSR:
    """A request whose signature holds and whose key is acceptable. All texts are safe to print."""

    der: bytes
    sha256: str  # hex, of `der`
    public_key: PublicKey
    key_sha256: str  # hex, of the SubjectPublicKeyInfo as a certificate would carry it
    key_text: str  # "P-256", "RSA 2048"
    signature_text: str  # "ECDSA with SHA-256"
    common_name: str | None  # the first CN asked for
    subject: Pairs  # (label, value) as asked for
    sans: tuple[str, ...]  # "dns:…" "ip:…" "email:…" "uri:…" "upn:…" "other:…" as asked for
    extensions: Pairs  # (name, text) as asked for


def parse(data: bytes) -> ParsedCSR:
    """PEM or DER, at most 64 KiB -> the request; raises CSRRejected(code, remedy) and nothing else.

    One eager pass: whatever any parser beneath raises is a rejection. BaseException, because a panic in
    cryptography's Rust code (pyo3 PanicException) is one, and it must not end a worker.
    """
    try:
        return _parsed(armour.unpack(data))
    except (CSRRejected, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise refusal("damaged") from error


def _parsed(data: bytes) -> ParsedCSR:
    csr = _loaded(data)
    public_key = _checked_key(csr)
    signature_text = _signature_text(csr)
    if not csr.is_signature_valid:
        raise refusal("signature")
    subject, sans, extensions = _asked(csr)
    # Encoded anew, as the certificate will have it: a compressed point or odd parameters make no second key.
    return ParsedCSR(
        der=data,
        sha256=hashlib.sha256(data).hexdigest(),
        public_key=public_key,
        key_sha256=key_digest(public_key),
        key_text=keypolicy.describe(public_key),
        signature_text=signature_text,
        common_name=asked.first_common_name(subject),
        subject=subject,
        sans=sans,
        extensions=extensions,
    )


def key_digest(public_key: PublicKeyTypes) -> str:
    """SHA-256 of the SubjectPublicKeyInfo (RFC 5280 4.1), hex: what a key is known by here."""
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _loaded(data: bytes) -> x509.CertificateSigningRequest:
    """The request, or a refusal that names what `data` is instead. Private keys are recognised first."""
    other = armour.instead(data)
    if other:
        raise refusal(other)
    try:
        der.check(data)
    except der.BadDER as error:
        raise refusal(error.code if _looks_right(data) else "not-a-csr") from error
    try:
        return x509.load_der_x509_csr(data)
    except Exception as error:
        raise refusal(_what_it_is(data)) from error


def _looks_right(data: bytes) -> bool:
    """Whether `data` begins as a request does: a SEQUENCE in a SEQUENCE."""
    inside = der.children(data, limit=1)
    return data[:1] == bytes([der.SEQUENCE]) and bool(inside) and inside[0][0] == der.SEQUENCE


def _what_it_is(data: bytes) -> str:
    """The code for well-formed DER that is no request: version 1 certificates and CRLs begin like one."""
    for code, load in (("certificate", x509.load_der_x509_certificate), ("crl", x509.load_der_x509_crl)):
        try:
            load(data)
        except Exception:  # noqa: S112 whatever it raises, it is not that
            continue
        return code
    return "damaged" if _looks_right(data) else "not-a-csr"


def _checked_key(csr: x509.CertificateSigningRequest) -> PublicKey:
    """The key, before anything is computed with it: a signature of RSA-16384 is never verified."""
    try:
        public_key = csr.public_key()
    except (UnsupportedAlgorithm, ValueError) as error:  # unknown algorithm or curve, explicit parameters
        raise refusal("key-type") from error
    return keypolicy.check(public_key)


def _asked(csr: x509.CertificateSigningRequest) -> tuple[Pairs, tuple[str, ...], Pairs]:
    """Subject, alternative names and extensions asked for, or a refusal when they cannot be read."""
    try:
        subject = asked.subject(csr.subject)
    except Exception as error:
        raise refusal("subject") from error
    try:
        return subject, asked.sans(csr.extensions), asked.extensions(csr.extensions)
    except Exception as error:
        raise refusal("extensions") from error


def _signature_text(csr: x509.CertificateSigningRequest) -> str:
    """The signature algorithm in words; SHA-256 or better, or CSRRejected."""
    oid = csr.signature_algorithm_oid
    if oid.dotted_string in _FORGEABLE:
        raise refusal("weak-signature")
    if oid not in _ACCEPTED:
        raise refusal("signature-algorithm")
    if oid != Alg.RSASSA_PSS:
        return _ACCEPTED[oid]
    digest = csr.signature_hash_algorithm
    if digest is None or digest.name not in _PSS_DIGESTS:
        raise refusal("weak-signature" if digest and digest.name == "sha1" else "signature-algorithm")
    return f"{_ACCEPTED[oid]} with {_PSS_DIGESTS[digest.name]}"


def challenge(data: bytes) -> str:
    """The challengePassword (RFC 2985 5.4.1) in a CSR that `parse` accepted, DER; "" where there is none.

    A secret: compare its digest, show it to nobody. It stands under the CSR's signature, so that it was
    the holder of the key who presented it.
    """
    try:
        attributes = x509.load_der_x509_csr(data).attributes
        return attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD).value.decode()
    except (ValueError, x509.AttributeNotFound):
        return ""
