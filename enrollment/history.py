"""What is already known of a key and of a person, before somebody decides."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from enrollment import states
from enrollment.models import CertificationRequest, Status
from enrollment.refusals import Refused
from pki.models import Certificate
from pki.profiles import CertificateProfile
from pki.revocation import HOLD

OPEN = (Status.PENDING, Status.APPROVED)
NEW_KEY = gettext_lazy("Make a new key and a new request for it; the lines are in the help below.")
WAITING_EACH = 20  # requests of one person that may wait at once
SHOWN = 6  # lines of history on a page


def refuse_used_key(key_sha256: str, owner: User, *, renews: Certificate | None = None) -> None:
    """Raise Refused when this key must not be asked for (again). After a refusal it may.

    `renews`: the one live certificate that may have it, as the same key is asked for in its place.
    """
    columns = ("owner", "reason", "revoked_at", "not_after", "subject")
    certificates = list(Certificate.objects.filter(key_sha256=key_sha256).only(*columns))
    if any(one.reason == "keyCompromise" for one in certificates):
        raise Refused(
            _("This key was revoked because somebody else may have it, so nobody can use it again."), NEW_KEY
        )
    open_ones = CertificationRequest.objects.filter(key_sha256=key_sha256, status__in=OPEN)
    waiting = open_ones.only("owner_id", "device").first()
    if waiting is not None and waiting.owner_id == owner.pk:
        raise Refused(
            _("You have asked for this key already, as “%(device)s”. That request is still open.")
            % {"device": waiting.device},
            _("Look at it under Your requests. To change it, withdraw it and send a new one."),
        )
    if waiting is not None or any(one.owner != str(owner.pk) for one in certificates):
        raise Refused(
            _("This key belongs to another account. A key is for one person or device only."),
            _("%(way_out)s If you never gave it to anybody, tell your officer.") % {"way_out": NEW_KEY},
        )
    now = timezone.now()
    others = [one for one in certificates if renews is None or one.pk != renews.pk]
    for live in (one for one in others if one.revoked_at is None and one.not_after > now):
        raise Refused(
            _("There is a live certificate for this key: “%(name)s”, until %(date)s.")
            % {"name": live.subject, "date": date_format(live.not_after, _("j F Y"))},
            _("Use that one, or revoke it first. %(way_out)s") % {"way_out": NEW_KEY},
        )


def refuse_taken_name(profile: CertificateProfile, common_name: str, owner: User) -> None:
    """Raise Refused when a live device of another account has this name: at the broker both would be one.

    One that is on hold counts as live. The signer decides; this says it earlier.
    """
    if profile.authority != "devices":
        return
    live = Certificate.objects.filter(Q(revoked_at=None) | Q(reason=HOLD))
    same = live.filter(authority="devices", subject=common_name, not_after__gt=timezone.now())
    if same.exclude(owner=str(owner.pk)).exists():
        raise Refused(
            _("Somebody else's device is called “%(name)s” already, and would be taken for the same one.")
            % {"name": common_name},
            _("Choose another name."),
        )


def refuse_too_many(owner: User) -> None:
    """Raise Refused when as many wait as may: nobody buries the queue.

    Of those sent at the same moment a few more may slip in: nothing breaks by it, and a lock for every
    submission would cost everybody.
    """
    if CertificationRequest.objects.filter(owner=owner, status=Status.PENDING).count() >= WAITING_EACH:
        raise Refused(
            _("%(number)d of your requests wait already; that is as many as may wait at once.")
            % {"number": WAITING_EACH},
            _("Withdraw one under Your requests, or wait until some are decided."),
        )


@dataclass(frozen=True)
class History:
    """The last few requests of the same person, and all others with the same key."""

    of_person: list[CertificationRequest]
    of_key: list[CertificationRequest]
    first: bool  # nothing was asked by this person before


def of(request: CertificationRequest) -> History:
    """What came before `request`, newest first."""
    others = CertificationRequest.objects.exclude(pk=request.pk).select_related("owner", "certificate")
    others = states.with_question(others.defer("csr", "note")).order_by("-created_at", "-id")
    earlier = others.filter(owner=request.owner, created_at__lte=request.created_at)
    of_person = list(others.filter(owner=request.owner)[:SHOWN])
    of_key = others.filter(key_sha256=request.key_sha256) if request.key_sha256 else others.none()
    return History(of_person, list(of_key[:SHOWN]), not earlier.exists())


def name_in_use(request: CertificationRequest, common_name: str) -> CertificationRequest | None:
    """Another issued request of the same common name whose certificate is live, and stays."""
    live = Q(certificate__revoked_at=None, certificate__not_after__gt=timezone.now())
    same = CertificationRequest.objects.filter(live, common_name=common_name, status=Status.ISSUED)
    if request.predecessor_id:  # what it replaces has the same name, and that is meant
        same = same.exclude(certificate=request.predecessor_id)
    return same.exclude(pk=request.pk).select_related("owner").defer("csr").first()


def known_address(request: CertificationRequest) -> bool:
    """Whether this person asked from the same address before (or never asked before)."""
    earlier = CertificationRequest.objects.filter(owner=request.owner, created_at__lt=request.created_at)
    recent = list(earlier.order_by("-created_at").values_list("address", flat=True)[:100])
    return not recent or request.address in recent
