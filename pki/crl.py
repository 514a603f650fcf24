"""Certificate revocation lists (RFC 5280 5): fetched from the signer, published as files."""

import logging
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from audit import trail
from pki import builder, publication
from pki.signer import client

log = logging.getLogger(__name__)


def publish(authority: str) -> None:
    """Fetch a new CRL of `authority` and publish it, and that of its root. Raises SignerUnavailable.

    The audit trail's head goes inside, so that cutting the trail's end later would show.
    """
    # Fetching under the lock: of two at once, the one that asked later also writes later.
    with publication.one_at_a_time(path(authority).with_suffix(".lock")):
        _note_missing_lines(authority)
        head = trail.head()
        pair = client.crl(settings.SIGNER_SOCKET, authority, head)
        publication.write(path(authority), pair.issuing)
        publication.write(path(f"{authority}-root"), pair.root)
        if authority == "devices":
            publication.write(pem_path(authority), pem(pair.issuing))
    trail.record("crl.published", target=authority, detail={"number": number_in(pair.issuing), "head": head})


def _note_missing_lines(authority: str) -> None:
    """Write down that the audit trail lost lines, before the new list replaces the one that shows it.

    Somebody who can edit the database can cut or rewrite the trail and wait for the next list. This line then
    stands in that list; cutting it off in turn only makes another one.
    """
    if not path(authority).exists():
        return
    before = published(authority)
    try:
        lost = audit_head_in(before)
    except ValueError:
        log.error("crl=%s what was published is no list any more; it is made anew", authority)
        return
    if lost and not trail.contains(lost):
        log.error("audit trail: no line has the head %s of the last CRL of %s", lost, authority)
        detail = {"head": lost, "number": number_in(before)}
        trail.record(trail.LINES_MISSING, target=authority, detail=detail)


def published(authority: str) -> bytes:
    """The CRL as it lies there, DER. Raises FileNotFoundError before the first publication."""
    return path(authority).read_bytes()


def path(name: str) -> Path:
    """Where the CRL `name` ("clients", "clients-root") lies."""
    return Path(settings.PUBLIC_DIR) / "crl" / f"{name}.crl"


def pem_path(name: str) -> Path:
    """Where the CRL lies in PEM: of `devices`, for Mosquitto, which reads nothing else (docs/brokers.md)."""
    return path(name).with_suffix(".pem")


def pem(der: bytes) -> bytes:
    """The CRL `der` in PEM (RFC 7468)."""
    return x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)


def audit_head_in(der: bytes) -> str | None:
    """The audit trail's head in a CRL, 64 hex digits; None when there is none."""
    return builder.audit_head(x509.load_der_x509_crl(der))


def number_in(der: bytes) -> int:
    """The CRL number (RFC 5280 5.2.3): it only ever grows."""
    crl = x509.load_der_x509_crl(der)
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
