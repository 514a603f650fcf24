"""Officers ask owners to renew, many at once. Only to renew: a request that an officer made for somebody and
then approved would be a certificate on one person's word.

What is wanted stands on the owner's pages until they asked; housekeeping sweeps what is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from audit import trail
from enrollment import anew, notifications, renewing, same_key
from enrollment.models import CertificationRequest, RenewalWanted, Status
from enrollment.refusals import Refused
from pki.models import Certificate
from pki.profiles import PROFILES
from pki.revocation import HOLD

AGAIN = timedelta(days=1)  # before that nobody is asked twice for the same one
NEW_KEY = gettext_lazy("A new key, made on the device; an officer decides.")
SAME_KEY = gettext_lazy("A new key, or the same one if the device can make none; an officer decides.")
CHECK_PAGE = gettext_lazy("A new key, on the check page; nobody has to decide.")


@dataclass(frozen=True)
class Plan:
    """How one certificate would be renewed. `way` and `until` are empty when `why` says why it is not."""

    certificate: Certificate
    owner: User | None
    device: str
    way: str = ""
    until: datetime | None = None  # about: it counts from its approval
    why: str = ""
    request: CertificationRequest | None = None  # that is to replace it already, or did


def plan(certificate: Certificate, officer: User) -> Plan:
    """What asking for this one would lead to, as `officer` sees it."""
    before = CertificationRequest.objects.filter(certificate=certificate).defer("csr").first()
    owner = next(iter(notifications.owner_of(certificate)), None)
    device = before.device if before else certificate.subject
    asked = anew.successor_asked(certificate)
    why = _ended(certificate) or _needs_nobody(before, owner) or _already(certificate, asked)
    if not why and owner is not None and owner.pk == officer.pk:
        why = _("It is your own: open its page and renew it.")
    if why:
        return Plan(certificate, owner, device, why=why, request=asked)
    until = timezone.now() + timedelta(days=PROFILES[certificate.profile].default_days)
    return Plan(certificate, owner, device, _way(certificate, before), until)


def _ended(certificate: Certificate) -> str:
    if certificate.revoked_at is not None:
        return _("It is on hold.") if certificate.reason == HOLD else _("It was revoked.")
    if certificate.not_after <= timezone.now():
        return _("It has ended. Its owner can ask for a new one.")
    return ""


def _needs_nobody(before: CertificationRequest | None, owner: User | None) -> str:
    """Who cannot be asked, or need not be."""
    if owner is None:
        return _("It is one of Latchkey's own, which renew themselves.")
    if not (owner.is_active and owner.is_requester):
        return _("Its owner cannot ask for certificates at present.")
    if anew.by_program(before):
        return _("Its program renews it by itself (SCEP): there is nothing to ask for.")
    return ""


def _already(certificate: Certificate, asked: CertificationRequest | None) -> str:
    if asked is not None:
        waits = asked.status == Status.PENDING
        return _("Its owner asked already; the request waits.") if waits else _("It was renewed already.")
    lately = RenewalWanted.objects.filter(certificate=certificate, at__gt=timezone.now() - AGAIN)
    return _("Its owner was asked within the last day.") if lately.exists() else ""


def _way(certificate: Certificate, before: CertificationRequest | None) -> str:
    if renewing.renewable([certificate]):
        return str(CHECK_PAGE)
    return str(SAME_KEY if same_key.possible(before) else NEW_KEY)


def ask(plans: Iterable[Plan], *, by: User, address: str) -> list[Plan]:
    """Ask the owners of those that can be renewed, each once and with one message; those that were asked now.

    Raises Refused unless `by` is an officer.
    """
    if not (by.is_officer and by.is_active):
        raise Refused(_("Only an officer can do this."), _("Ask your officer."))
    now = timezone.now()
    with transaction.atomic():
        asked = [one for one in plans if one.owner and not one.why and _note(one.certificate, by, now)]
        for _owner, group in groupby(sorted(asked, key=_whose), _whose):
            theirs = list(group)
            if theirs[0].owner is not None:
                found = [one.certificate for one in theirs]
                notifications.renewal_wanted(theirs[0].owner, found, by=by, at=now)
        for one in asked:
            detail = {"common_name": one.certificate.subject, "serial": one.certificate.serial}
            target = str(one.certificate.pk)
            trail.record(
                "certificate.renewal-wanted",
                actor=by.username,
                address=address,
                target=target,
                detail=detail,
            )
    return asked


def _whose(plan: Plan) -> str:
    return plan.certificate.owner


def _note(certificate: Certificate, by: User, now: datetime) -> bool:
    """Whether it was not asked for lately: of two officers at the same moment one hears True."""
    known = RenewalWanted.objects.filter(certificate=certificate, at__lte=now - AGAIN)
    if known.update(at=now, by=by) == 1:
        return True
    return RenewalWanted.objects.get_or_create(certificate=certificate, defaults={"at": now, "by": by})[1]


def wanted(owner: User) -> list[RenewalWanted]:
    """What this person is asked to renew and has not asked for, the next to end first."""
    own = _open().filter(certificate__owner=str(owner.pk))
    return list(own.order_by("certificate__not_after", "pk"))


def wanted_of(certificate: Certificate) -> RenewalWanted | None:
    """The same for one certificate."""
    return _open().filter(certificate=certificate).first()


def _open() -> QuerySet[RenewalWanted]:
    asked = CertificationRequest.objects.filter(predecessor=OuterRef("certificate"), status__in=anew.ASKED)
    live = Q(certificate__revoked_at=None, certificate__not_after__gt=timezone.now())
    found = RenewalWanted.objects.filter(live, ~Exists(asked)).select_related("by", "certificate")
    return found.defer("certificate__der")


def sweep() -> int:
    """Forget what is renewed, revoked or over; for housekeeping. Gives how many."""
    renewed = CertificationRequest.objects.filter(predecessor=OuterRef("certificate"), status=Status.ISSUED)
    revoked = Q(certificate__revoked_at__isnull=False) & ~Q(certificate__reason=HOLD)
    over = revoked | Q(certificate__not_after__lte=timezone.now()) | Exists(renewed)
    return RenewalWanted.objects.filter(over).delete()[0]
