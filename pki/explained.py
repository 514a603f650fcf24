"""What stands in a certificate, extension by extension, in plain words (RFC 5280 4.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from pki import asked
from pki.profiles import CMC_RA


@dataclass(frozen=True)
class Explained:
    """One extension: what it is called, what that means, and `values` as they stand there."""

    title: str
    meaning: str
    values: tuple[str, ...]
    critical: bool
    oid: str


_PURPOSES = {
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "to identify itself to a server (clientAuth)",
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string: "to be a server that others connect to (serverAuth)",
    CMC_RA: "to take requests in for the authority (cmcRA)",
}
_USES = {
    "digital_signature": "to sign while a connection is made (digitalSignature)",
    "content_commitment": "to sign documents (nonRepudiation)",
    "key_encipherment": "to receive keys in a sealed form (keyEncipherment)",
    "data_encipherment": "to receive data in a sealed form (dataEncipherment)",
    "key_agreement": "to agree on keys (keyAgreement)",
    "key_cert_sign": "to sign certificates (keyCertSign)",
    "crl_sign": "to sign revocation lists (cRLSign)",
}


def extensions(certificate: x509.Certificate) -> list[Explained]:
    """All of them, in the order in which they stand there."""
    return [_explained(extension) for extension in certificate.extensions]


def _explained(extension: x509.Extension[Any]) -> Explained:
    title, meaning, values = _KINDS.get(extension.oid, _UNKNOWN)
    return Explained(
        title, meaning, tuple(values(extension.value)), extension.critical, extension.oid.dotted_string
    )


def _may_sign(value: x509.BasicConstraints) -> list[str]:
    if not value.ca:
        return ["no: it belongs to a person or device (CA:FALSE)"]
    length = "" if value.path_length is None else f", at most {value.path_length} authorities below"
    return [f"yes: it belongs to an authority (CA:TRUE{length})"]


def _uses(value: x509.KeyUsage) -> list[str]:
    return [words for name, words in _USES.items() if getattr(value, name)]


def _purposes(value: x509.ExtendedKeyUsage) -> list[str]:
    return [_PURPOSES.get(oid.dotted_string, oid.dotted_string) for oid in value]


def _names(value: x509.SubjectAlternativeName) -> list[str]:
    return list(asked.general_names(list(value)))


def _points(value: x509.CRLDistributionPoints) -> list[str]:
    return [name.value for point in value for name in point.full_name or () if hasattr(name, "value")]


def _access(value: x509.AuthorityInformationAccess) -> list[str]:
    kinds = {"caIssuers": "the authority’s certificate", "OCSP": "ask about it alone (OCSP)"}
    pairs = [(entry.access_method._name, entry.access_location.value) for entry in value]
    return [f"{kinds.get(method, method)}: {where}" for method, where in pairs]


def _identifier(value: x509.SubjectKeyIdentifier) -> list[str]:
    return [value.digest.hex(":")]


def _issuer_key(value: x509.AuthorityKeyIdentifier) -> list[str]:
    return [value.key_identifier.hex(":")] if value.key_identifier else []


def _raw(value: x509.ExtensionType) -> list[str]:
    return [asked.binary(value.public_bytes())]


_UNKNOWN = ("Another extension", "Latchkey does not know what it means.", _raw)
_KINDS: dict[x509.ObjectIdentifier, tuple[str, str, Callable[[Any], list[str]]]] = {
    ExtensionOID.BASIC_CONSTRAINTS: ("May it sign others?", "Whether it is an authority’s.", _may_sign),
    ExtensionOID.KEY_USAGE: ("What its key may do", "Programs refuse it for anything else.", _uses),
    ExtensionOID.EXTENDED_KEY_USAGE: ("What it is for", "Programs refuse it elsewhere.", _purposes),
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME: (
        "Names it answers to",
        "Browsers and brokers compare these with the address they connect to.",
        _names,
    ),
    ExtensionOID.CRL_DISTRIBUTION_POINTS: (
        "Where its revocation list is",
        "Whoever relies on it looks here whether it was revoked.",
        _points,
    ),
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS: (
        "Where to learn about its authority",
        "For programs that got it without its chain.",
        _access,
    ),
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: ("Its key’s number", "A digest of the key in it.", _identifier),
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: (
        "Its authority’s key",
        "The number of the key that signed it: so that programs find the right authority.",
        _issuer_key,
    ),
    ExtensionOID.OCSP_NO_CHECK: (
        "Nobody asks whether it was revoked",
        "It lives for so short a time that it need not be revoked (RFC 6960 4.2.2.2.1).",
        lambda value: [],
    ),
}
