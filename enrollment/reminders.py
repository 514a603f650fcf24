"""Before certificates end: each owner is reminded once for each of the days that are set for the profile."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from accounts import household
from enrollment import notifications, replaced
from enrollment.models import Reminded
from pki.models import Certificate
from pki.profiles import PROFILES

DAYS = (30, 14, 7, 1)
MAX_DAYS, MAX_REMINDERS = 180, 8
AT_A_TIME = 500


def days_of(profile: str, chosen: Mapping[str, list[int]] | None = None) -> list[int]:
    """Days before the end at which is reminded, the smallest first; [] for never."""
    plan = household.current().reminder_days if chosen is None else chosen
    return sorted(set(plan.get(profile, DAYS)))


def remind() -> int:
    """Remind of everything that is due; how many certificates.

    Whoever slept over several of the days reminds of the last one only: one late message, not four.
    """
    told = 0
    for profile in PROFILES:
        for above, days in pairwise([0, *days_of(profile)]):
            told += sum(_remind(found, days) for found in _due(profile, above, days)[:AT_A_TIME])
    return told


def _due(profile: str, above: int, days: int) -> QuerySet[Certificate]:
    """Live ones with more than `above` and at most `days` days left that nobody was reminded of at `days`.

    Not those that were made with fewer days to live, and not those that have a successor.
    """
    now = timezone.now()
    live = Certificate.objects.filter(
        profile=profile,
        revoked_at=None,
        not_after__gt=now + timedelta(days=above),
        not_after__lte=now + timedelta(days=days),
        not_before__lt=F("not_after") - timedelta(days=days),
    ).exclude(owner__startswith="service:")  # our own renew themselves
    reminded = Reminded.objects.filter(certificate=OuterRef("pk"), days=days)
    return live.filter(~replaced.has_successor(), ~Exists(reminded)).defer("der").order_by("not_after", "pk")


def _remind(certificate: Certificate, days: int) -> bool:
    try:
        with transaction.atomic():
            Reminded.objects.create(certificate=certificate, days=days)
            for owner in notifications.owner_of(certificate):
                notifications.ends(certificate, owner, days=days)
    except IntegrityError:  # by another housekeeping at the same moment
        return False
    return True
