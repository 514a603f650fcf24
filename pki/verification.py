"""Whether a presented client certificate is a live one of ours: asked anew with each request.

An allow-list, not "not on the CRL": the certificate must be in our database. TLS accepts a resumed session
without another look at certificate or CRL, and an open connection outlives both; here they do not.
"""

import hashlib
import os
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.conf import settings
from django.db import connection

from pki import authorities, crl, crlfile
from pki.crlfile import CrlFile
from pki.errors import CertificateRejected
from pki.revocation import HOLD

AUTHORITY, PROFILE = "clients", "tls-client"
SECOND = timedelta(seconds=1)  # the last one counts to its end (RFC 5280 4.1.2.5)

# Raw: the same through the ORM costs ten times as much, and this is asked with each request at the door.
_ROW = (
    "SELECT id, owner, authority, profile, subject, serial, revoked_at, reason "
    "FROM pki_certificate WHERE fingerprint = %s"
)


@dataclass(frozen=True)
class LiveCertificate:
    """One that counts at this moment."""

    id: uuid.UUID  # primary key of the pki Certificate
    owner: str  # account UUID
    subject: str  # the common name
    fingerprint: str  # SHA-256 of the DER, hex
    serial: str  # lower case hex
    not_after: datetime
    not_before: datetime


class Row(NamedTuple):
    """What _ROW selects, as the database writes it."""

    id: object
    owner: str
    authority: str
    profile: str
    subject: str
    serial: str
    revoked_at: object
    reason: str


class Term(NamedTuple):
    """When something counts, in seconds since 1970; both ends belong to it (RFC 5280 4.1.2.5)."""

    start: float
    end: float


Marks = tuple[tuple[int, int, int], ...]  # which versions of files


class Trust:
    """The `clients` authority with its current lists, as of one version of their files."""

    def __init__(self, issuing: x509.Certificate, revoked: CrlFile, term: Term) -> None:
        self.issuing = issuing
        self.revoked = revoked  # the issuing CA's list, which may be long: asked once for each certificate
        self.term = term  # within which both CAs and both lists count
        self.examined: dict[str, Term] = {}  # by fingerprint; only what the database knows comes in


class _Cache:
    """What was read last, and which files that was."""

    held: tuple[Marks, Trust] | None = None
    lock = threading.Lock()


def verify(der: bytes) -> LiveCertificate:
    """The live certificate that these bytes are, or CertificateRejected, whose `code` says why not.

    Live: known by its fingerprint, profile tls-client, neither revoked nor on hold, within its validity, made
    for clientAuth, signed by our CA for clients, and not on that CA's list, which must be there, signed and
    current: without it nobody is live.
    """
    trust = current()
    fingerprint = hashlib.sha256(der).hexdigest()
    row = _row(fingerprint)
    if row is None:
        raise _unknown(der, trust)
    key, owner, authority, profile, subject, serial, revoked_at, reason = row
    if (authority, profile) != (AUTHORITY, PROFILE):
        raise _rejected("profile", f"is a {profile}, which opens nothing here", subject, serial)
    if revoked_at is not None:
        word = "on hold" if reason == HOLD else "revoked"
        raise _rejected("hold" if reason == HOLD else "revoked", f"is {word}", subject, serial)
    term = trust.examined.get(fingerprint) or _examined(der, trust, subject, serial)
    trust.examined[fingerprint] = term
    now = time.time()
    if not term.start <= now < term.end + 1:
        raise _rejected("validity", "is expired, or not valid yet", subject, serial)
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in term)
    return LiveCertificate(_uuid(key), owner, subject, fingerprint, serial, end, start)


def is_still_live(certificate: LiveCertificate) -> bool:
    """Whether what was live when it was verified has not been revoked, put on hold, or come to its end since.

    For whoever had to wait meanwhile; asks the database alone, in the caller's transaction.
    """
    row = _row(certificate.fingerprint)
    return row is not None and row.revoked_at is None and datetime.now(UTC) < certificate.not_after + SECOND


def _rejected(code: str, why: str, subject: str, serial: str) -> CertificateRejected:
    return CertificateRejected(f"The certificate {subject!r} ({serial}) {why}.", code=code)


def _row(fingerprint: str) -> Row | None:
    with connection.cursor() as cursor:
        cursor.execute(_ROW, [fingerprint])
        found = cursor.fetchone()
    return Row(*found) if found else None


def _uuid(value: object) -> uuid.UUID:
    """SQLite gives hex digits, PostgreSQL a UUID."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))


def _unknown(der: bytes, trust: Trust) -> CertificateRejected:
    """Signed by our CA and yet not in the database (an older backup of it, a copied key) is worth a word."""
    try:
        found = x509.load_der_x509_certificate(der)
        found.verify_directly_issued_by(trust.issuing)
    except Exception:  # a version 2, say: in a handshake OpenSSL takes what this parser does not
        return CertificateRejected("It is none of our certificates.", code="foreign")
    serial = f"{found.serial_number:x}"
    return CertificateRejected(
        f"The certificate {serial} is signed by our CA, and the database does not know it.", code="orphan"
    )


def _examined(der: bytes, trust: Trust, subject: str, serial: str) -> Term:
    """What never changes about these bytes under this CA and these lists; gives their validity."""
    if int(serial, 16) in trust.revoked:
        raise _rejected("revoked", "is on the revocation list", subject, serial)
    try:
        found = x509.load_der_x509_certificate(der)
        found.verify_directly_issued_by(trust.issuing)
        usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, TypeError, InvalidSignature):
        raise _rejected("signature", "is not signed by our present CA", subject, serial) from None
    except x509.ExtensionNotFound:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    # OpenSSL lets a certificate without the extension pass: RFC 5280 4.2.1.12 restricts only where it stands.
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise _rejected("purpose", "is not made for clients", subject, serial)
    return Term(found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp())


def current() -> Trust:
    """The authority and its lists; read again when a file is another one. Raises CertificateRejected (code
    "authority" or "list") while anything is missing, garbled or over: then nobody is let in."""
    files = _files(settings.PUBLIC_DIR)
    try:
        marks = tuple((s.st_mtime_ns, s.st_ino, s.st_size) for s in map(os.stat, files))
        trust = _held(marks) or _newly_held(marks, files)
    except OSError as error:
        name = Path(str(error.filename or files[0])).name
        raise CertificateRejected(f"{name} cannot be read: {error.strerror}.", code="list") from None
    if not trust.term.start <= time.time() <= trust.term.end:
        end = datetime.fromtimestamp(trust.term.end, UTC)
        raise CertificateRejected(f"The revocation list ended on {end:%Y-%m-%d %H:%M} UTC.", code="list")
    return trust


def _held(marks: Marks) -> Trust | None:
    held = _Cache.held
    return held[1] if held and held[0] == marks else None


def _newly_held(marks: Marks, files: tuple[str, str, str, str]) -> Trust:
    """One thread reads: a list of a hundred thousand takes a while."""
    with _Cache.lock:
        trust = _held(marks) or _read(*files)
        _Cache.held = marks, trust
    return trust


@lru_cache(maxsize=4)
def _files(public: Path) -> tuple[str, str, str, str]:
    """Issuing and root certificate, then the list of each."""
    del public  # what the paths below hang on
    names = (AUTHORITY, f"{AUTHORITY}-root")
    issuing, root = (str(authorities.path(name)) for name in names)
    return issuing, root, *(str(crl.path(name)) for name in names)  # type: ignore[return-value]


def _read(issuing_file: str, root_file: str, list_file: str, root_list_file: str) -> Trust:
    try:
        issuing, root = (
            x509.load_der_x509_certificate(Path(name).read_bytes()) for name in (issuing_file, root_file)
        )
        issuing.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateRejected("The CA's certificates do not fit together.", code="authority") from None
    lists = [_list(Path(list_file), issuing), _list(Path(root_list_file), root)]
    if issuing.serial_number in lists[1] or root.serial_number in lists[1]:
        raise CertificateRejected("The CA for clients is revoked by its own root.", code="authority")
    starts = [*(found.frame.last_update_utc for found in lists), issuing.not_valid_before_utc]
    ends = [found.ends for found in lists] + [issuing.not_valid_after_utc, root.not_valid_after_utc]
    return Trust(issuing, lists[0], Term(max(starts).timestamp(), min(ends).timestamp()))


def _list(file: Path, signer: x509.Certificate) -> CrlFile:
    """The list in `file`, when `signer` signed it (RFC 5280 6.3.3)."""
    try:
        found = crlfile.read(file)
        signed = found.is_signed_by(signer.public_key()) and found.frame.issuer == signer.subject
    except (ValueError, TypeError):
        signed = False
    if not signed:
        raise CertificateRejected(f"{file.name} is no revocation list of our CA.", code="list")
    return found
