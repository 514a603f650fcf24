"""The portal's own server certificate: from the `servers` authority through the funnel, or one's own."""

import logging
import os
import ssl
import sys
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from accounts import household
from audit import trail
from pki import authorities, issuance, names, publication
from pki.errors import IssuanceRefused
from pki.profiles import PROFILES
from pki.signer.protocol import IssuanceRequest, ServiceEvidence

log = logging.getLogger(__name__)

PROFILE = PROFILES["tls-server"]
COMMON_NAME = "Latchkey portal"  # a label: a name that looks like a host falls under the name constraints


def pem() -> Path:
    """Key (PKCS#8), certificate and issuing CA in one file, so that a renewal replaces all at once."""
    path: Path = settings.WEB_DIR / "tls" / "portal.pem"
    return path


def files() -> tuple[Path, Path]:
    """Certificate chain and key that the portal serves."""
    if settings.TLS_CERT:
        return Path(settings.TLS_CERT), Path(settings.TLS_KEY)
    return pem(), pem()


def served() -> x509.Certificate | None:
    """The leaf that the portal serves, or None while there is none."""
    try:
        return x509.load_pem_x509_certificates(files()[0].read_bytes())[0]
    except (OSError, ValueError):
        return None


def sort_hosts(hosts: Iterable[str], permitted: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for the certificate ("dns:…", "ip:…"), and the hosts that `servers` may not certify."""
    inside, outside = [], []
    for host in hosts:
        try:
            san = names.san(host)
        except IssuanceRefused:
            outside.append(host)
            continue
        inside.append(san) if names.permitted(san, permitted) else outside.append(host)
    return tuple(dict.fromkeys(inside)), tuple(outside)


def wanted() -> tuple[str, ...]:
    return sort_hosts(settings.HOSTS, authorities.permitted("servers"))[0]


def left_out() -> tuple[str, ...]:
    """Those of LATCHKEY_HOSTS that our own server certificate cannot carry."""
    if settings.TLS_CERT:
        return ()
    return sort_hosts(settings.HOSTS, authorities.permitted("servers"))[1]


def advice(hosts: Iterable[str]) -> str:
    """What to do about hosts that were left out."""
    return (
        f"Browsers will warn about {', '.join(hosts)}: the household's root may not vouch for that. "
        "Use a name under home.arpa, internal, local or lan; or set LATCHKEY_TLS_CERT and LATCHKEY_TLS_KEY "
        "to a certificate of your own (Let's Encrypt); or stop Latchkey, run "
        f"`{sys.executable} -m pki.signer --home {settings.SIGNER_DIR} --replace-authority servers`, "
        "start it again and trust the new root."
    )


def covered(certificate: x509.Certificate) -> frozenset[str]:
    """The certificate's names, written as ours: "dns:nas.home.arpa", "ip:192.168.1.2"."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    hosts = [f"dns:{name}" for name in found.get_values_for_type(x509.DNSName)]
    return frozenset([*hosts, *(f"ip:{address}" for address in found.get_values_for_type(x509.IPAddress))])


def why_due(certificate: x509.Certificate | None, sans: Iterable[str]) -> str:
    """Why a new certificate is to be made, in a few words; "" while the present one is good."""
    if certificate is None:
        return "there is none yet"
    if covered(certificate) != frozenset(sans):
        return "names or addresses changed"
    if certificate.issuer != x509.load_der_x509_certificate(authorities.chain("servers")[0]).subject:
        return "the authority changed"
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if datetime.now(UTC) > certificate.not_valid_before_utc + lifetime * 2 / 3:
        return "two thirds of its life are over"
    return ""


def renew_if_due() -> str:
    """Make a new certificate when it is time. Gives what was done, in a few words; "" for nothing.

    Raises SignerUnavailable and IssuanceRefused; what is served stays as it is then.
    """
    if settings.TLS_CERT:
        return ""
    with publication.one_at_a_time(pem().with_suffix(".lock")):
        sans = wanted()
        reason = why_due(served(), sans)
        if reason:
            _make(sans)
            trail.record("service.issued", target="portal", detail={"names": list(sans), "why": reason})
    return f"new server certificate: {reason}" if reason else ""


def _make(sans: tuple[str, ...]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    request = IssuanceRequest(
        request_id=str(uuid.uuid4()),
        profile=PROFILE.name,
        profile_digest=PROFILE.digest,
        organization=household.current().name,
        common_name=COMMON_NAME,
        sans=sans,
        days=PROFILE.default_days,
        owner="service:portal",
        csr=csr.public_bytes(Encoding.DER),
        evidence=ServiceEvidence("portal"),
    )
    leaf = bytes(issuance.issue(request).der)
    issuing, _ = authorities.chain("servers")
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(pem(), secret + authorities.pem(leaf) + authorities.pem(issuing))


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


class _Cache:
    """The context in use, and which files it was made from."""

    context: ssl.SSLContext | None = None
    marks: tuple[tuple[int, int, int], ...] = ()


def context() -> ssl.SSLContext:
    """The portal's TLS context; made anew when the certificate's file is another one.

    A pair that does not fit (one of two files replaced so far) leaves the old one in use.
    """
    try:
        marks = tuple((s.st_mtime_ns, s.st_ino, s.st_size) for s in (path.stat() for path in files()))
        if _Cache.context is None or marks != _Cache.marks:
            _Cache.context, _Cache.marks = new_context(), marks
    except (OSError, ssl.SSLError) as error:
        if _Cache.context is None:
            raise
        log.warning("the server certificate cannot be loaded, the old one stays in use: %s", error)
    return _Cache.context


def new_context() -> ssl.SSLContext:
    """TLS 1.2 and later; no client certificate is asked for: that is the door's business."""
    fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    fresh.minimum_version = ssl.TLSVersion.TLSv1_2
    fresh.load_cert_chain(*files())
    return fresh
