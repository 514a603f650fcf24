"""What is checked on every rehearsal certificate, independently of the code that built it.

pkilint knows RFC 5280 but not our profiles, and misses some dangerous things (serial 1, NUL and newlines in
names, an empty subject, anyExtendedKeyUsage, unknown critical extensions). It takes milliseconds and 50 MB,
so it runs in a process of its own (`thorough`), now and then; `check` takes microseconds and runs on each
certificate.
"""

import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID, SignatureAlgorithmOID

from pki import hostnames
from pki.builder import key_usage
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.profiles import CertificateProfile
from pki.signer import authorities

PKILINT_SECONDS = 60.0  # a cold start on a slow board; usually one second
_LINTER = Path(__file__).resolve().with_name("pkilinter.py")

# Exactly these extensions, and which of them are critical (RFC 5280 4.2); with names subjectAltName too.
_EXTENSIONS = {
    ExtensionOID.BASIC_CONSTRAINTS: True,
    ExtensionOID.KEY_USAGE: True,
    ExtensionOID.EXTENDED_KEY_USAGE: False,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: False,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False,
    ExtensionOID.CRL_DISTRIBUTION_POINTS: False,
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS: False,
}


def check(
    leaf: x509.Certificate, profile: CertificateProfile, issuer: x509.Certificate, status_url: str
) -> None:
    """Pass when `leaf` is exactly what `profile` makes of it, else raise IssuanceRefused (code "lint")."""
    for finding in _findings(leaf, profile, issuer, status_url):
        raise IssuanceRefused(
            f"The certificate was not made, because {finding}.",
            code="lint",
            remedy="This is a fault of Latchkey: please report it.",
        )


def _findings(
    leaf: x509.Certificate, profile: CertificateProfile, issuer: x509.Certificate, status_url: str
) -> Iterator[str]:
    yield from _frame(leaf, issuer)
    yield from _subject(leaf.subject)
    extensions = {extension.oid: extension for extension in leaf.extensions}
    yield from _presence(extensions, profile)
    yield from _values(leaf, profile, issuer)
    if profile.san == "required":
        yield from _alternative_names(leaf.extensions, issuer)
    yield from _addresses(leaf.extensions, profile, status_url)


def _frame(leaf: x509.Certificate, issuer: x509.Certificate) -> Iterator[str]:
    """RFC 5280 4.1.2: version, serial, signature, issuer, validity."""
    if leaf.version is not x509.Version.v3:
        yield "it is not an X.509 version 3 certificate"
    if not 64 <= leaf.serial_number.bit_length() <= 159:
        yield "its serial number is negative, too short or too long"
    if leaf.signature_algorithm_oid != SignatureAlgorithmOID.ECDSA_WITH_SHA256:
        yield "it would not be signed with ECDSA and SHA-256"
    if leaf.issuer != issuer.subject:
        yield "its issuer's name is not the CA's"
    if not issuer.not_valid_before_utc <= leaf.not_valid_before_utc < leaf.not_valid_after_utc:
        yield "it begins before its issuer, or ends before it begins"
    if leaf.not_valid_after_utc > issuer.not_valid_after_utc:
        yield "it outlives its issuer"


def _subject(subject: x509.Name) -> Iterator[str]:
    if not list(subject):
        yield "its subject is empty"
    if any(len(list(rdn)) != 1 for rdn in subject.rdns):
        yield "its subject has a name of several parts"
    for attribute in subject:
        value = str(attribute.value)
        if not value.strip() or not printable(value):
            yield "its subject is blank somewhere, or has invisible characters"


def printable(text: str) -> bool:
    """No control, format, private or unassigned characters, no line or paragraph separators."""
    return (
        text.isascii()
        and text.isprintable()
        or not any(
            unicodedata.category(character)[0] == "C" or unicodedata.category(character) in ("Zl", "Zp")
            for character in text
        )
    )


def _presence(
    extensions: dict[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]], profile: CertificateProfile
) -> Iterator[str]:
    expected = dict(_EXTENSIONS)
    if profile.signs_ocsp:
        expected[ExtensionOID.OCSP_NO_CHECK] = False
    if profile.san == "required":
        expected[ExtensionOID.SUBJECT_ALTERNATIVE_NAME] = False
    if {oid: extension.critical for oid, extension in extensions.items()} != expected:
        yield "its extensions, or which of them are critical, are not the profile's"


def _values(leaf: x509.Certificate, profile: CertificateProfile, issuer: x509.Certificate) -> Iterator[str]:
    found = leaf.extensions
    if found.get_extension_for_class(x509.BasicConstraints).value.ca:
        yield "it would be a CA"
    if found.get_extension_for_class(x509.KeyUsage).value != _key_usage(profile.key_usage):
        yield "its key usage is not the profile's"
    ekus = [oid.dotted_string for oid in found.get_extension_for_class(x509.ExtendedKeyUsage).value]
    if ekus != list(profile.ekus) or "2.5.29.37.0" in ekus:
        yield "its extended key usage is not the profile's"
    own = found.get_extension_for_class(x509.SubjectKeyIdentifier).value
    if own != x509.SubjectKeyIdentifier.from_public_key(leaf.public_key()):
        yield "its subject key identifier is not its key's"
    above = found.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    if above != _key_id(issuer):
        yield "its authority key identifier is not the CA's"


def _alternative_names(extensions: x509.Extensions, issuer: x509.Certificate) -> Iterator[str]:
    for name in extensions.get_extension_for_class(x509.SubjectAlternativeName).value:
        if isinstance(name, x509.DNSName):
            san = f"dns:{name.value}"
        elif isinstance(name, x509.IPAddress):
            san = f"ip:{name.value}"
        else:
            yield "it has a name that is neither a host name nor an address"
            continue
        if not hostnames.permitted(san, _permitted(issuer)):
            yield "it has a name outside the CA's name constraints"


@cache
def _permitted(issuer: x509.Certificate) -> tuple[str, ...]:
    return authorities.permitted(issuer)


@cache
def _key_usage(wanted: tuple[str, ...]) -> x509.KeyUsage:
    return key_usage(*wanted)


@cache
def _key_id(issuer: x509.Certificate) -> bytes:
    return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def _addresses(extensions: x509.Extensions, profile: CertificateProfile, status_url: str) -> Iterator[str]:
    points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    if [_urls(point) for point in points] != [[f"{status_url}/crl/{profile.authority}.crl"]]:
        yield "its CRL distribution point is not ours"
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    expected = [(AuthorityInformationAccessOID.CA_ISSUERS, f"{status_url}/ca/{profile.authority}.cer")]
    if not profile.signs_ocsp:
        expected.insert(0, (AuthorityInformationAccessOID.OCSP, f"{status_url}/ocsp/{profile.authority}"))
    if [(entry.access_method, entry.access_location.value) for entry in access] != expected:
        yield "its addresses of OCSP and CA certificate are not ours"


def _urls(point: x509.DistributionPoint) -> list[str]:
    return [str(name.value) for name in point.full_name or ()]


def thorough(documents: Iterable[bytes]) -> list[str]:
    """pkilint's findings on certificates, CRLs, OCSP answers (PEM), without those we accept; [] is clean.

    Raises SignerUnavailable when pkilint cannot run: without its word nothing is signed.
    """
    # By its path, not -m: a confined process may not list the folder that holds the data folder too.
    command = [sys.executable, "-P", str(_LINTER)]
    try:
        done = subprocess.run(
            command,
            input=b"".join(documents),
            capture_output=True,
            timeout=PKILINT_SECONDS,
            check=True,
        )
        return [f"{finding['code']} ({finding['at']})" for finding in json.loads(done.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SignerUnavailable(
            "The certificate check (pkilint) could not run.",
            code="pkilint",
            remedy="Look at the signer's log.",
        ) from error
