"""The to-be-signed certificate and CRL (RFC 5280 4.1 and 5.1), from a profile and the account's data.

cryptography shows a TBS only inside a signed object, so each is first signed by a throw-away key of the same
type as the CA's: the rehearsal. The lints read that; only then does the CA key touch the very same bytes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID

from pki import der
from pki.oids import AUDIT_HEAD
from pki.profiles import CertificateProfile

_THROW_AWAY = ec.generate_private_key(ec.SECP256R1())
_ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")  # RFC 5758 3.2
_KEY_USAGES = {  # as RFC 5280 4.2.1.3 writes them, and as cryptography does
    "digitalSignature": "digital_signature",
    "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}


class Wanted(NamedTuple):
    """The filled-in part of one leaf. `not_before` and `not_after` are whole seconds, UTC."""

    subject: x509.Name
    sans: Sequence[x509.GeneralName]
    key: CertificatePublicKeyTypes
    serial: int
    not_before: datetime
    not_after: datetime


def key_usage(*wanted: str) -> x509.KeyUsage:
    """KeyUsage with exactly the `wanted` bits, named as in RFC 5280 4.2.1.3."""
    return x509.KeyUsage(**{attribute: name in wanted for name, attribute in _KEY_USAGES.items()})


def published(
    status_url: str, name: str
) -> tuple[x509.CRLDistributionPoints, x509.AuthorityInformationAccess]:
    """Where to find the CRL and the certificate of the issuer called `name` ("clients", "clients-root")."""
    crl = x509.UniformResourceIdentifier(f"{status_url}/crl/{name}.crl")
    certificate = x509.UniformResourceIdentifier(f"{status_url}/ca/{name}.cer")
    return (
        x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]),
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, certificate)]
        ),
    )


def asked_at(
    status_url: str, authority: str, access: x509.AuthorityInformationAccess
) -> x509.AuthorityInformationAccess:
    """`access` with the address of the OCSP responder in front (RFC 5280 4.2.2.1)."""
    responder = x509.UniformResourceIdentifier(f"{status_url}/ocsp/{authority}")
    ocsp = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, responder)
    return x509.AuthorityInformationAccess([ocsp, *access])


def key_id(certificate: x509.Certificate) -> str:
    """The SubjectKeyIdentifier in hex (RFC 5280 4.2.1.2)."""
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


def issued_by(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The AuthorityKeyIdentifier that points to `issuer` (RFC 5280 4.2.1.1)."""
    ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)


class Template:
    """All certificates of one profile from one issuing CA: what is the same in each is encoded once."""

    def __init__(self, profile: CertificateProfile, issuer: x509.Certificate, status_url: str) -> None:
        points, access = published(status_url, profile.authority)
        if not profile.signs_ocsp:
            access = asked_at(status_url, profile.authority, access)
        self.profile = profile
        self.issuer = issuer
        self.issuer_id = key_id(issuer)
        self.extensions = (
            _encoded(x509.BasicConstraints(ca=False, path_length=None), critical=True),
            _encoded(key_usage(*profile.key_usage), critical=True),
            _encoded(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in profile.ekus])),
            _encoded(issued_by(issuer)),
            _encoded(points),
            _encoded(access),
            *((_encoded(x509.OCSPNoCheck()),) if profile.signs_ocsp else ()),
        )

    def rehearse(self, wanted: Wanted) -> x509.Certificate:
        """The certificate as it will be, signed by a key that nobody trusts."""
        extensions = [*self.extensions, _encoded(x509.SubjectKeyIdentifier.from_public_key(wanted.key))]
        if wanted.sans:
            extensions.append(_encoded(x509.SubjectAlternativeName(wanted.sans)))
        builder = x509.CertificateBuilder(
            issuer_name=self.issuer.subject,
            subject_name=wanted.subject,
            public_key=wanted.key,
            serial_number=wanted.serial,
            not_valid_before=wanted.not_before.replace(tzinfo=None),
            not_valid_after=wanted.not_after.replace(tzinfo=None),
            extensions=extensions,
        )
        return builder.sign(_THROW_AWAY, hashes.SHA256())


def _encoded(value: x509.ExtensionType, critical: bool = False) -> x509.Extension[x509.ExtensionType]:
    """The extension with its value as DER already, which the builder then only copies."""
    return x509.Extension(value.oid, critical, x509.UnrecognizedExtension(value.oid, value.public_bytes()))


def rehearse_crl(
    issuer: x509.Certificate, number: int, validity: tuple[datetime, datetime], audit_head: bytes
) -> x509.CertificateRevocationList:
    """The frame of a CRL (RFC 5280 5), signed by the throw-away key; its lines are put in by crls.py.

    `audit_head` is 32 bytes.
    """
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.subject,
        last_update=validity[0].replace(tzinfo=None),
        next_update=validity[1].replace(tzinfo=None),
    )
    head = x509.UnrecognizedExtension(AUDIT_HEAD, b"\x04\x20" + audit_head)
    builder = builder.add_extension(issued_by(issuer), False)
    builder = builder.add_extension(x509.CRLNumber(number), False).add_extension(head, False)
    return builder.sign(_THROW_AWAY, hashes.SHA256())


def audit_head(crl: x509.CertificateRevocationList) -> str | None:
    """The audit head inside a CRL of ours, in hex; None where there is none."""
    try:
        value = crl.extensions.get_extension_for_oid(AUDIT_HEAD).value
    except x509.ExtensionNotFound:
        return None
    # An OCTET STRING: tag, length, the 32 bytes.
    return value.value[2:].hex() if isinstance(value, x509.UnrecognizedExtension) else None


def assemble(tbs: bytes, signature: bytes) -> bytes:
    """DER of Certificate or CertificateList: `tbs`, ecdsa-with-SHA256, `signature` (RFC 5280 4.1.1)."""
    return der.sequence(tbs, signed_with(signature))


def signed_with(signature: bytes) -> bytes:
    """What follows a TBS: ecdsa-with-SHA256 and `signature`, two elements."""
    return _ECDSA_WITH_SHA256 + der.tlv(der.BIT_STRING, b"\x00", signature)
