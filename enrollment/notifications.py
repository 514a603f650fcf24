"""What people are told about requests and certificates, and whom it concerns.

Each function is called in the transaction of what it tells of (accounts/outbox.py), before its audit line.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import household, independence, kinds, outbox
from accounts.languages import later
from accounts.models import Household, User
from enrollment.in_words import REASONS, in_words_later
from enrollment.models import CertificationRequest, Kind, Message, Seen
from enrollment.transitions import waits_event
from pki.models import Certificate
from pki.profiles import EVERY
from pki.revocation import HOLD

NAMED = 20  # certificates in one message


def waits(request: CertificationRequest) -> None:
    """Somebody asks: to the officers who may decide on it."""
    who, device = request.owner.both_names, request.device
    outbox.tell(
        _deciders(request),
        kinds.DECIDE,
        event=waits_event(request),
        subject=later(_("%(who)s asks for a certificate: %(device)s"), who=who, device=device),
        text=later(
            _(
                "%(who)s asks for a certificate for “%(device)s” (%(purpose)s). It waits for your"
                " decision.\n\nCall them to be sure that it is them, compare the four words where the page"
                " shows some, and approve or refuse. Approving needs one code of your app."
            ),
            who=who,
            device=device,
            purpose=in_words_later(EVERY[request.profile].title),
        ),
        link=f"/queue/{request.pk}",
    )


def asked(request: CertificationRequest, message: Message) -> None:
    """An officer's question: to the owner."""
    _tell_owner(
        request,
        kinds.QUESTION,
        f"question {message.pk}",
        _("A question about %(device)s"),
        _("%(by)s asks: “%(said)s”\n\nYour request waits until you answer; the page has room for it."),
        by=message.author.both_names,
        said=message.text,
    )


def answered(request: CertificationRequest, message: Message) -> None:
    """The owner's answer: to the officers who asked."""
    who = request.owner.both_names
    askers = User.objects.filter(pk__in=request.messages.filter(from_officer=True).values("author"))
    outbox.tell(
        askers,
        kinds.DECIDE,
        event=f"answer {message.pk}",
        subject=later(_("%(who)s answered: %(device)s"), who=who, device=request.device),
        text=later(
            _("%(who)s answers: “%(said)s”\n\nThe request waits for your decision."),
            who=who,
            said=message.text,
        ),
        link=f"/queue/{request.pk}",
    )


def device_approved(request: CertificationRequest) -> None:
    """A device may come for its certificate: to the owner."""
    _tell_owner(
        request,
        kinds.DECIDED,
        f"request {request.pk} approved",
        _("Approved: %(device)s"),
        _("Open the page on the device itself and install its profile, within a week."),
    )


def issued(request: CertificationRequest, certificate: Certificate) -> None:
    """There is a certificate: to the owner, as news of a device where no officer decided just now."""
    subject, text = _issued_words(Kind(request.kind))
    kind = kinds.DECIDED if request.kind == Kind.CSR else kinds.DEVICE
    until = day(certificate.not_after)
    _tell_owner(request, kind, f"request {request.pk} issued", subject, text, until=until)


def _issued_words(kind: Kind) -> tuple[Promise, Promise]:
    if kind == Kind.DEVICE:
        return _("%(device)s has its certificate"), _(
            "The device came for it with the profile, and made its own key. It is valid until"
            " %(until)s.\n\nIf that was not you, revoke it on its page at once."
        )
    if kind == Kind.RENEWAL:
        return _("Renewed: %(device)s"), _(
            "The certificate was renewed with a new key and is valid until %(until)s. Nobody had to decide,"
            " as the old one asked.\n\nIf that was not you, revoke both on their pages at once."
        )
    return _("Your certificate is ready: %(device)s"), _(
        "It was approved and issued, and is valid until %(until)s.\n\nOpen the page on the device itself:"
        " it shows how to install it."
    )


def refused(request: CertificationRequest, reason: str) -> None:
    _tell_owner(
        request,
        kinds.DECIDED,
        f"request {request.pk} refused",
        _("Refused: %(device)s"),
        _("Your request was refused. The reason: “%(reason)s”\n\nYou may ask again when that is settled."),
        reason=in_words_later(reason),
    )


def lapsed(request: CertificationRequest) -> None:
    _tell_owner(
        request,
        kinds.DECIDED,
        f"request {request.pk} lapsed",
        _("Lapsed: %(device)s"),
        _("Nothing happened for too long, so your request ended by itself. Ask again if you still need it."),
    )


def seen(found: Seen) -> None:
    """A certificate is used for the first time: to its owner."""
    certificate = found.certificate
    outbox.tell(
        owner_of(certificate),
        kinds.DEVICE,
        event=f"certificate {certificate.pk} seen",
        subject=later(_("In use: %(name)s"), name=certificate.subject),
        text=later(
            _(
                "A device showed your certificate “%(name)s” for the first time, from %(address)s.\n\nIf that"
                " was not your device, revoke the certificate at once: the door shuts for it now."
            ),
            name=certificate.subject,
            address=found.address or _("this network"),
        ),
        link=f"/requests/{certificate.request_id}",
    )


def revoked(certificate: Certificate, *, event: str, reason: str, by: str) -> None:
    """It opens nothing any more: to its owner. `by` is an account's name, or what else did it."""
    words = REASONS.get(reason, reason)
    subject = _("Revoked: %(name)s")
    text = _(
        "%(by)s revoked your certificate “%(name)s”. The reason: %(reason)s.\n\nIt opens nothing any more."
    )
    if reason == HOLD:
        subject = _("On hold: %(name)s")
        text = _(
            "%(by)s put your certificate “%(name)s” on hold. Nothing opens for it until an officer releases"
            " it."
        )
    elif not reason:
        subject = _("Released: %(name)s")
        text = _("%(by)s released your certificate “%(name)s”. It works again.")
    named = {"name": certificate.subject, "by": by or _("The CA"), "reason": words}
    outbox.tell(
        owner_of(certificate),
        kinds.REVOKED,
        event=event,
        subject=later(subject, **named),
        text=later(text, **named),
        link=f"/requests/{certificate.request_id}",
    )


def ends(certificate: Certificate, owner: User, *, days: int) -> None:
    """A reminder; `days` names the one that is due, not how many are left."""
    left = max(0, (certificate.not_after - timezone.now()).days)
    named = {"name": certificate.subject, "until": day(certificate.not_after), "left": left}
    outbox.tell(
        [owner],
        kinds.ENDS,
        event=f"certificate {certificate.pk} ends in {days}",
        subject=later(
            _("%(name)s ends in %(left)s days") if left > 1 else _("%(name)s ends within two days"), **named
        ),
        text=later(
            _(
                "Your certificate “%(name)s” is valid until %(until)s. After that nothing opens for"
                " it.\n\nOpen its page on the device itself and get a new one in time."
            ),
            **named,
        ),
        link=f"/requests/{certificate.request_id}",
    )


def renewal_wanted(owner: User, certificates: Sequence[Certificate], *, by: User, at: datetime) -> None:
    """An officer asks to renew these: one message for all of them."""
    first, more = certificates[0], len(certificates) - 1
    subject = later(_("Please renew %(name)s"), name=first.subject)
    if more:
        subject = later(_("Please renew %(count)d certificates"), count=len(certificates))
    outbox.tell(
        [owner],
        kinds.RENEW,
        event=f"renewal of {first.pk} wanted {at.isoformat()}",
        subject=subject,
        text=later(
            _(
                "%(by)s asks you to renew:\n\n%(names)s\n\nThe page shows what changes, and how. Until then"
                " nothing stops working."
            ),
            by=by.both_names,
            names=_named_later(certificates),
        ),
        link="/" if more else f"/certificates/{first.pk}/renew",
    )


def _named(certificates: Sequence[Certificate]) -> str:
    """A line for each, and how many more there are."""
    until = gettext("“%(name)s”, until %(day)s")
    lines = [until % {"name": one.subject, "day": _day(one.not_after)} for one in certificates[:NAMED]]
    if len(certificates) > NAMED:
        lines.append(gettext("and %(count)d more") % {"count": len(certificates) - NAMED})
    return "\n".join(lines)


_named_later = lazy(_named, str)


def owner_of(certificate: Certificate) -> list[User]:
    """The person, if it is one's and not a service's of our own."""
    try:
        return list(User.objects.filter(pk=UUID(certificate.owner)))
    except ValueError:
        return []


def _day(moment: datetime) -> str:
    """ "5 December 2026", in the household's time zone."""
    local = moment.astimezone(ZoneInfo(household.current().time_zone))
    return date_format(local, gettext("j F Y"))


day = lazy(_day, str)  # in the language of whoever reads it


def _deciders(request: CertificationRequest) -> Iterable[User]:
    """Officers who may decide; should there be none, all of them: somebody has to look for another one."""
    house = household.current()
    officers = list(User.objects.filter(is_officer=True, is_active=True))
    able = [officer for officer in officers if _may_decide(officer, request, house)]
    return able or [officer for officer in officers if officer.pk != request.owner_id or house.one_person]


def _may_decide(officer: User, request: CertificationRequest, house: Household) -> bool:
    try:
        independence.may_decide_for(officer, request.owner, house)
    except independence.NotIndependent:
        return False
    return True


def _tell_owner(
    request: CertificationRequest, kind: str, event: str, subject: Promise, text: Promise, **named: object
) -> None:
    outbox.tell(
        [request.owner],
        kind,
        event=event,
        subject=later(subject, device=request.device),
        text=later(text, **named) if named else text,
        link=f"/requests/{request.pk}",
    )
