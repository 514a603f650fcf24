"""Certificates of our own services: made through the funnel without an approval, renewed by themselves.

The signer has the list of what each may have (pki/signer/checks.py); this one asks for just that.
"""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from accounts import household
from audit import trail
from door import broker_tls
from enrollment.protocols import scep_ra
from pki import authorities, issuance, names, own, publication
from pki.models import Certificate
from pki.profiles import EVERY, PROFILES, CertificateProfile
from pki.signer.protocol import AUTHORITIES, IssuanceRequest, ServiceEvidence
from portal import tls

DAYS = 90
RSA_BITS = 2048  # each SCEP message costs one use of the key
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Service:
    """One of them, and what its certificate says."""

    name: str
    title: str  # of the certificate, for the log
    profile: CertificateProfile
    common_name: str
    path: Callable[[], Path]  # key (PKCS#8), certificate and issuing CA in one file: renewed all at once
    sans: Callable[[], tuple[str, ...]]  # "dns:nas.home.arpa", "ip:192.168.1.2"
    days: int = DAYS
    key: Callable[[], Key] = lambda: ec.generate_private_key(ec.SECP256R1())
    before: Callable[[], Path | None] = lambda: None  # where the last one is kept


PORTAL = Service(
    "portal", "server certificate", PROFILES["tls-server"], names.PORTAL, tls.pem, lambda: tls.wanted()
)
DOOR = Service(
    "door",
    "certificate for the broker",
    PROFILES["mqtt-client"],
    names.DOOR,
    broker_tls.certificate,
    lambda: (),
)
SCEP = Service(
    "scep",
    "certificate for SCEP",
    EVERY["scep-ra"],
    names.SCEP,
    scep_ra.present,
    lambda: (),
    days=365,
    key=lambda: rsa.generate_private_key(65537, RSA_BITS),
    before=scep_ra.before,
)


OCSP = tuple(
    Service(
        f"ocsp-{authority}",
        f"certificate for OCSP of {authority}",
        EVERY[f"ocsp-{authority}"],
        names.OCSP,
        partial(own.responder, authority),
        lambda: (),
        days=14,
    )
    for authority in AUTHORITIES
)


def renew_portal() -> str:
    """The portal's server certificate, unless somebody else's is served. As renew_if_due."""
    return "" if settings.TLS_CERT else renew_if_due(PORTAL)


def renew_door() -> str:
    """What the door shows to a broker that speaks TLS. As renew_if_due."""
    return renew_if_due(DOOR) if settings.BROKER and settings.BROKER["tls"] else ""


def renew_scep() -> str:
    """What phones and programs encipher for. As renew_if_due."""
    return renew_if_due(SCEP)


def renew_ocsp() -> str:
    """What OCSP answers are signed with. As renew_if_due.

    Older ones lay where portal, door and check face can read: others are made, and those go.
    """
    done = ", ".join(filter(None, map(renew_if_due, OCSP)))
    for service in OCSP:
        own.pem(service.name).unlink(missing_ok=True)
    return done


def renew_if_due(service: Service) -> str:
    """Make a new certificate when it is time. Gives what was done, in a few words; "" for nothing.

    Raises SignerUnavailable and IssuanceRefused; what is in use stays as it is then.
    """
    with publication.one_at_a_time(service.path().with_suffix(".lock")):
        sans = service.sans()
        reason = why_due(service, sans)
        if reason:
            _make(service, sans)
            detail = {"names": list(sans), "why": reason}
            trail.record("service.issued", target=service.name, detail=detail)
    return f"new {service.title}: {reason}" if reason else ""


def why_due(service: Service, sans: tuple[str, ...]) -> str:
    """Why a new certificate is to be made, in a few words; "" while the present one is good."""
    certificate = present(service)
    if certificate is None:
        return "there is none yet"
    if covered(certificate) != frozenset(sans):
        return "names or addresses changed"
    if certificate.issuer != x509.load_der_x509_certificate(_issuing(service)).subject:
        return "the authority changed"
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if datetime.now(UTC) > certificate.not_valid_before_utc + lifetime * 2 / 3:
        return "two thirds of its life are over"
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    if Certificate.objects.filter(fingerprint=fingerprint, revoked_at__isnull=False).exists():
        return "it was revoked"
    return ""


def present(service: Service) -> x509.Certificate | None:
    """The certificate that lies there, or None."""
    try:
        return x509.load_pem_x509_certificates(service.path().read_bytes())[0]
    except (OSError, ValueError):
        return None


def covered(certificate: x509.Certificate) -> frozenset[str]:
    """The certificate's names, written as ours: "dns:nas.home.arpa", "ip:192.168.1.2"."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    hosts = [f"dns:{name}" for name in found.get_values_for_type(x509.DNSName)]
    return frozenset([*hosts, *(f"ip:{address}" for address in found.get_values_for_type(x509.IPAddress))])


def _issuing(service: Service) -> bytes:
    return authorities.chain(service.profile.authority)[0]


def _make(service: Service, sans: tuple[str, ...]) -> None:
    key = service.key()
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    request = IssuanceRequest(
        request_id=str(uuid.uuid4()),
        profile=service.profile.name,
        profile_digest=service.profile.digest,
        organization=household.current().name,
        common_name=service.common_name,
        sans=sans,
        days=service.days,
        owner=f"service:{service.name}",
        csr=csr.public_bytes(Encoding.DER),
        evidence=ServiceEvidence(service.name),
    )
    leaf = bytes(issuance.issue(request).der)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _keep(service)
    _write(service.path(), secret + authorities.pem(leaf) + authorities.pem(_issuing(service)))


def _keep(service: Service) -> None:
    """What clients still encipher for the certificate they know has to be read for a while."""
    before = service.before()
    if before is not None and service.path().exists():
        _write(before, service.path().read_bytes())


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and never readable by others."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
