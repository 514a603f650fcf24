"""A request's state for people: the stored status, finer where certificate or question say more."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from enrollment.models import CertificationRequest, Message, Status
from pki.catalogue import ENDS_SOON, Entry
from pki.models import Certificate
from pki.revocation import HOLD


@dataclass(frozen=True)
class State:
    """`name` is a class of the style sheet, `word` what people read; `final`: no need to ask again."""

    name: str
    word: str
    final: bool = False


def with_question(requests: QuerySet[CertificationRequest]) -> QuerySet[CertificationRequest]:
    """Adds `.asked`: whether the last message is the officer's (None without any)."""
    last = Message.objects.filter(request=OuterRef("pk")).order_by("-id")
    return requests.annotate(asked=Subquery(last.values("from_officer")[:1]))


def of(request: CertificationRequest, *, for_officer: bool = False) -> State:
    """`request` must come with its certificate, and with `.asked` where a question matters."""
    if request.status == Status.PENDING:
        if getattr(request, "asked", None):
            return State("question", _("Question asked") if for_officer else _("Question for you"))
        return State("waiting", _("Waiting"))
    if request.certificate is not None:
        return of_certificate(request.certificate)
    if request.waits_for_key:
        return State("approved", _("Approved, waiting for the device"))
    return State(request.status, request.get_status_display(), final=request.status != Status.APPROVED)


def of_certificate(certificate: Certificate | Entry) -> State:
    """A certificate's own state, wherever it is shown."""
    if certificate.revoked_at is not None:
        held = certificate.reason == HOLD
        return State("hold", _("On hold"), final=True) if held else State("revoked", _("Revoked"), final=True)
    left = certificate.not_after - timezone.now()
    if left <= timedelta(0):
        return State("expired", _("Expired"), final=True)
    if left < ENDS_SOON:  # days as the date beside counts them: by midnights
        days = (timezone.localdate(certificate.not_after) - timezone.localdate()).days
        return State("ending", _ends_in(days), final=True)
    return State("live", _("Live"), final=True)


def _ends_in(days: int) -> str:
    if days < 2:
        return _("Ends today or tomorrow")
    return ngettext("Ends in %(days)d day", "Ends in %(days)d days", days) % {"days": days}
