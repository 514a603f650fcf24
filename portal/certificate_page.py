"""Everything about one certificate: what several rooms know of it, for its page."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from django.conf import settings
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit import reading
from audit.models import AuditEvent
from door import policy
from door.policy import Opening
from enrollment import in_words
from enrollment.models import CertificationRequest, Status
from pki import authorities, revocation, verification
from pki.errors import SignerUnavailable
from pki.models import Certificate
from pki.text import printable

REASONS = {**in_words.REASONS, revocation.HOLD: _("Until an officer releases it")}
SHOWN = 200  # lines of history

# What happened, as people say it. Anything else appears under its own name.
WORDS = {
    "request.submitted": _("Asked for"),
    "request.renews": _("It is to replace an older one"),
    "request.renewal": _("Asked for again, by the certificate before it"),
    "request.question": _("A question was asked"),
    "request.answer": _("The question was answered"),
    "request.approved": _("Approved"),
    "request.rejected": _("Refused"),
    "request.key": _("The device brought its key"),
    "request.second-key": _("Another key was refused"),
    "request.issued": _("Issued"),
    "profile.downloaded": _("Its profile was downloaded"),
    "certificate.downloaded": _("Downloaded"),
    "certificate.seen": _("Seen at work for the first time"),
    "certificate.revoked": _("Revoked"),
    "certificate.held": _("Put on hold"),
    "certificate.released": _("Released"),
    "certificate.renewal-wanted": _("Its owner was asked to renew it"),
    "certificate.paper": _("A code on paper was made"),
    "certificate.paper-used": _("Revoked by the code on paper"),
}


@dataclass(frozen=True)
class Line:
    """One line of the history. `who` is "" for Latchkey itself."""

    at: datetime
    what: str
    who: str
    address: str
    detail: str


@dataclass(frozen=True)
class Issuer:
    """One certificate above it."""

    name: str
    not_after: datetime
    fingerprint: str
    address: str  # where it is published


def request_of(certificate: Certificate) -> CertificationRequest | None:
    asked = CertificationRequest.objects.filter(certificate=certificate)
    return asked.select_related("decided_by", "predecessor").defer("csr", "predecessor__der").first()


def successor_of(certificate: Certificate) -> Certificate | None:
    """What renewed it."""
    renewals = CertificationRequest.objects.filter(predecessor=certificate, status=Status.ISSUED)
    found = renewals.select_related("certificate").defer("csr", "certificate__der").first()
    return found.certificate if found else None


def key_since(certificate: Certificate) -> datetime:
    """Since when its key is in use, as far as we know: the beginning of its first certificate."""
    first = Certificate.objects.filter(key_sha256=certificate.key_sha256).aggregate(Min("not_before"))
    found: datetime = first["not_before__min"] or certificate.not_before
    return found


def doors_of(owner: User | None, certificate: Certificate) -> list[Opening]:
    """The doors that this certificate opens, now or later: only a live one for phones and browsers does."""
    over = certificate.revoked_at or certificate.not_after <= timezone.now()
    if owner is None or over or certificate.profile != verification.PROFILE:
        return []
    return policy.openings(owner, timezone.now())


def chain_of(certificate: Certificate) -> list[Issuer]:
    """The issuing CA and its root; empty while nothing was published and the signer is away."""
    try:
        found = authorities.chain(certificate.authority)
    except SignerUnavailable:
        return []
    names = (certificate.authority, f"{certificate.authority}-root")
    return [_issuer(name, der) for name, der in zip(names, found, strict=True)]


def _issuer(name: str, der: bytes) -> Issuer:
    found = x509.load_der_x509_certificate(der)
    attribute = found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    called = printable(str(attribute[0].value)) if attribute else name
    address = f"{settings.STATUS_URL}/ca/{name}.cer"
    return Issuer(called, found.not_valid_after_utc, hashlib.sha256(der).hexdigest(), address)


def history_of(certificate: Certificate, request: CertificationRequest | None) -> list[Line]:
    """From the request to now, oldest first: what the audit trail has of both."""
    about = Q(target=str(certificate.pk))
    if request is not None:
        about |= Q(target=str(request.pk))
    events = AuditEvent.objects.filter(about).order_by("-sequence")[:SHOWN]
    found = reversed(reading.read(events))  # the audit's page says which lines cannot be read
    return [_line(line.event) for line in found if line.event is not None]


def _line(event: AuditEvent) -> Line:
    detail, action = event.detail, event.action
    if action == "certificate.revoked" and detail.get("reason") == revocation.HOLD:
        action, said = "certificate.held", ""
    elif action == "certificate.downloaded":
        said = f".{detail.get('form', '')}"
    elif "reason" in detail:
        said = str(in_words.REASONS.get(str(detail["reason"]), detail["reason"]))
    else:
        said = str(detail.get("text", ""))
    what = str(WORDS.get(action, action))
    return Line(event.at, what, printable(event.actor), event.address, printable(said))
