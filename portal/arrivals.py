"""What arrived at the check face: which certificate, and whether the door would take it."""

import hashlib
import warnings
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID
from django.utils import timezone

from door.identity import holder_of
from pki import text
from pki.catalogue import ENDS_SOON
from pki.errors import CertificateRejected
from pki.models import Certificate
from pki.revocation import HOLD
from pki.verification import LiveCertificate

# Strangers' names of any length are shown; cryptography would write a line of the log for each length.
warnings.filterwarnings("ignore", "Attribute's length must be", UserWarning, r"portal\.")

SHOWN = 80  # characters of a stranger's name
# How what the door refuses it for (CertificateRejected.code) is told to people; anything else is "unfit".
TOLD = {
    "foreign": "foreign",
    "orphan": "orphan",
    "revoked": "revoked",
    "hold": "hold",
    "validity": "expired",
    "account": "account",
    "list": "shut",
    "authority": "shut",
}


@dataclass(frozen=True)
class Arrival:
    """`kind`: "live", "none", "early", or one of TOLD's words; the rest as far as it is known.

    `subject` and `issuer` are safe to show, whoever chose them.
    """

    kind: str
    subject: str = ""
    issuer: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked_at: datetime | None = None
    fingerprint: str = ""  # SHA-256, hex
    live: LiveCertificate | None = None
    refused: CertificateRejected | None = None

    @property
    def ends_soon(self) -> bool:
        return self.not_after is not None and self.not_after - timezone.now() < ENDS_SOON


def of(der: bytes | None) -> Arrival:
    """`der` is the certificate whose key TLS has seen at work, None when none came."""
    if not der:
        return Arrival("none")
    try:
        live = holder_of(der).certificate
    except CertificateRejected as refused:
        return _refused(der, refused)
    return Arrival("live", live.subject, not_after=live.not_after, fingerprint=live.fingerprint, live=live)


def _refused(der: bytes, why: CertificateRejected) -> Arrival:
    fingerprint = hashlib.sha256(der).hexdigest()
    known = Certificate.objects.defer("der").filter(fingerprint=fingerprint).first()
    if known is None:
        return _stranger(der, fingerprint, why)
    return Arrival(
        _told(known, why.code),
        known.subject,
        not_before=known.not_before,
        not_after=known.not_after,
        revoked_at=known.revoked_at,
        fingerprint=fingerprint,
        refused=why,
    )


def _told(known: Certificate, code: str) -> str:
    """The word for one of ours. While the door is shut for everybody, it may be revoked or over as well."""
    kind = TOLD.get(code, "unfit")
    if kind == "shut" and known.revoked_at:
        return "hold" if known.reason == HOLD else "revoked"
    now = timezone.now()
    if kind in ("shut", "expired") and known.not_before > now:
        return "early"
    return "expired" if kind == "shut" and known.not_after < now else kind


def _stranger(der: bytes, fingerprint: str, why: CertificateRejected) -> Arrival:
    """What it says of itself. Nobody vouches for that: enough to recognize what was chosen by mistake."""
    kind = "orphan" if why.code == "orphan" else "foreign"
    try:
        found = x509.load_der_x509_certificate(der)
        names = _called(found.subject), _called(found.issuer)
        end = found.not_valid_after_utc
    except Exception:  # OpenSSL reads what cryptography does not: a version 2, a bit string as a name
        return Arrival(kind, fingerprint=fingerprint, refused=why)
    return Arrival(kind, *names, not_after=end, fingerprint=fingerprint, refused=why)


def _called(name: x509.Name) -> str:
    """The common name, or else the organization; "" for neither."""
    for wanted in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for found in name.get_attributes_for_oid(wanted):
            return text.printable(str(found.value))[:SHOWN]
    return ""
