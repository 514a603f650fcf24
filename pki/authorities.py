"""The authorities' certificates: published as files, so that pages and the status face need no signer."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from pki import publication
from pki.signer import authorities as constraints
from pki.signer import client
from pki.signer.protocol import AuthorityStatus


def publish_certificates() -> None:
    """Write every authority's certificates as the signer has them. Raises SignerUnavailable."""
    for authority in client.status(settings.SIGNER_SOCKET).authorities:
        _publish(authority)


def chain(authority: str) -> tuple[bytes, bytes]:
    """Issuing and root certificate, DER. Asks the signer only before the first publication."""
    issuing, root = path(authority), path(f"{authority}-root")
    if not (issuing.exists() and root.exists()):
        publish_certificates()
    return issuing.read_bytes(), root.read_bytes()


def permitted(authority: str) -> tuple[str, ...]:
    """Names and addresses the authority may certify, "dns:home.arpa" or "ip:10.0.0.0/8"; () means any.

    Read from its name constraints (RFC 5280 4.2.1.10), which is what everybody else goes by.
    """
    return constraints.permitted(x509.load_der_x509_certificate(chain(authority)[0]))


def path(name: str) -> Path:
    """Where the certificate `name` ("clients", "clients-root") lies."""
    return Path(settings.PUBLIC_DIR) / "ca" / f"{name}.cer"


def _publish(authority: AuthorityStatus) -> None:
    files = {
        path(authority.name): authority.issuing,
        path(f"{authority.name}-root"): authority.root,
    }
    if authority.name == "servers":
        # What people install to trust this portal; PEM, as browsers and `openssl` take it.
        files[path("servers-root").with_suffix(".pem")] = pem(authority.root)
    if authority.name == "clients":
        # For a proxy in front of the door, which sends both names as acceptable (RFC 8446 4.2.4): a browser
        # that has a certificate without its chain knows the issuing CA alone, others look for the root.
        files[path("clients").with_suffix(".pem")] = pem(authority.issuing) + pem(authority.root)
    for file, data in files.items():
        if not file.exists() or file.read_bytes() != data:
            publication.write(file, data)


def pem(der: bytes) -> bytes:
    """The certificate `der` in PEM (RFC 7468)."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
