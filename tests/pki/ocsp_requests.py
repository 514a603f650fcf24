"""OCSP requests as programs make them, and as they should not."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp as pyca
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki import der

NONCE = bytes(range(16))
SHA256_ID = der.oid("2.16.840.1.101.3.4.2.1")


def asked(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    nonce: bytes | None = None,
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """A request by cryptography."""
    builder = pyca.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm or hashes.SHA1())
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), False)
    return builder.build().public_bytes(Encoding.DER)


def cert_id(issuer: x509.Certificate, serial: int) -> bytes:
    """A CertID with SHA-256."""
    bits = issuer.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    hashed = (der.octets(hashlib.sha256(part).digest()) for part in (issuer.subject.public_bytes(), bits))
    return der.sequence(der.sequence(SHA256_ID), *hashed, der.integer(serial))


def several(*ids: bytes, extensions: bytes = b"", version: bytes = b"", name: bytes = b"") -> bytes:
    """A request for these CertIDs."""
    return der.sequence(der.sequence(version, name, der.sequence(*map(der.sequence, ids)), extensions))


def extension(oid: str, value: bytes, critical: bool = False) -> bytes:
    """requestExtensions with one in it."""
    flag = b"\x01\x01\xff" if critical else b""
    return der.tlv(0xA2, der.sequence(der.sequence(der.oid(oid), flag, der.octets(value))))


def nonce_of(content: bytes) -> bytes:
    return extension("1.3.6.1.5.5.7.48.1.2", der.octets(content))


@dataclass
class House:
    """A CA, a leaf of it, a responder's key and certificate."""

    issuer: x509.Certificate
    leaf: x509.Certificate
    responder: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def house() -> House:
    ca, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _signed("a CA", ca, "a CA", ca)
    responder = _signed("a responder", key, "a CA", ca, ExtendedKeyUsageOID.OCSP_SIGNING)
    leaf = _signed("a leaf", ec.generate_private_key(ec.SECP256R1()), "a CA", ca)
    return House(issuer, leaf, responder, key)


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    ca: ec.EllipticCurvePrivateKey,
    eku: x509.ObjectIdentifier | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    names = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (issuer, name))
    builder = x509.CertificateBuilder(*names, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage([eku]), False)
    return builder.sign(ca, hashes.SHA256())
