"""A root and an issuing CA as small as can be, for certificates from CSRs that a browser made."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class Household:
    def __init__(self) -> None:
        self.root_key, self.issuing_key, self.server_key = (
            ec.generate_private_key(ec.SECP256R1()) for _ in "123"
        )
        self.root = self.certificate("Root", self.root_key.public_key(), "Root", self.root_key, ca=True)
        self.issuing = self.certificate(
            "Issuing", self.issuing_key.public_key(), "Root", self.root_key, ca=True
        )
        self.server = self.certificate("localhost", self.server_key.public_key(), "Issuing", self.issuing_key)

    def certificate(
        self, name: str, key: Any, issuer: str, signing_key: ec.EllipticCurvePrivateKey, *, ca: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        usages = (
            [ExtendedKeyUsageOID.SERVER_AUTH] if name == "localhost" else [ExtendedKeyUsageOID.CLIENT_AUTH]
        )
        builder = (
            x509.CertificateBuilder(named(issuer), named(name), key, x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(signing_key, hashes.SHA256())

    def issue(self, csr: bytes, name: str) -> x509.Certificate:
        """A certificate for the key of `csr` (DER), after a look at its signature; nothing else is taken."""
        request = x509.load_der_x509_csr(csr)
        assert request.is_signature_valid
        return self.certificate(name, request.public_key(), "Issuing", self.issuing_key)

    def chain(self, leaf: x509.Certificate) -> list[str]:
        """Hex of the DER; the leaf in the middle, as the page sorts them itself."""
        return [one.public_bytes(Encoding.DER).hex() for one in (self.root, leaf, self.issuing)]
