"""From a computer to the phone: a QR code that works once, for ten minutes, for its maker alone."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit import trail
from enrollment.models import CertificationRequest, HandOver
from enrollment.refusals import Refused

GOOD_FOR = timedelta(minutes=10)
MINUTES = int(GOOD_FOR.total_seconds()) // 60


def make(
    by: User, *, address: str, device: str = "", note: str = "", request: CertificationRequest | None = None
) -> str:
    """The token for the address; only its digest is kept. What lapsed goes, and so does an earlier one."""
    token = secrets.token_urlsafe(24)
    now = timezone.now()
    with transaction.atomic():
        HandOver.objects.filter(lapses_at__lte=now).delete()
        HandOver.objects.filter(owner=by).delete()
        HandOver.objects.create(
            owner=by,
            digest=_digest(token),
            lapses_at=now + GOOD_FOR,
            device=device,
            note=note,
            request=request,
        )
        trail.record("handover.made", actor=by.username, address=address, target=by.username)
    return token


def take(token: str, *, by: User, address: str) -> HandOver:
    """Use it up. Raises Refused when it is used, lapsed, unknown or somebody else's: all alike."""
    with transaction.atomic():
        good = HandOver.objects.filter(digest=_digest(token), owner=by, lapses_at__gt=timezone.now())
        found = good.select_related("request").first()
        # Of two at once one deletes the row; the other finds it gone.
        if found is None or not HandOver.objects.filter(pk=found.pk).delete()[0]:
            raise Refused(
                _("This code was used already, is older than ten minutes, or was made by somebody else."),
                _("Make a new one on the computer. Nothing was changed."),
            )
        trail.record("handover.used", actor=by.username, address=address, target=by.username)
    return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
