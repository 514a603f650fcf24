"""The numbers behind /metrics, in Prometheus' text format 0.0.4. Fixed words and numbers, never a name."""

import platform
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import django
from django.conf import settings
from django.db.models import Count, Model
from django.utils import timezone

from accounts.models import Delivery
from door import link
from door.models import Outcome, Press
from enrollment.models import CertificationRequest, Status
from pki import addresses, crl
from pki.catalogue import ENDS_SOON
from pki.models import Certificate
from pki.signer.protocol import AUTHORITIES
from portal import health, housekeeping, tls
from portal.keeping import notes

Sample = tuple[str, dict[str, str], float]  # name without its beginning, labels, value
KEPT = 60  # seconds that counts of long tables are kept: a million rows take a tenth of one

WHAT = {
    "info": "Versions; always 1.",
    "signer_up": "Whether the signer accepts connections.",
    "door_up": "Whether the door runs and does not refuse everybody.",
    "broker_up": "Whether the connection to the broker stands.",
    "requests": "Certification requests by state.",
    "certificates": "People's certificates: live, ending within 30 days, revoked or on hold, expired.",
    "presses": "Presses of doors' buttons by outcome.",
    "messages": "Messages to people by state.",
    "crl_next_update_seconds": "When the published revocation list stops to count.",
    "server_certificate_not_after_seconds": "When the portal's certificate ends.",
    "disk_free_bytes": "Room for the data folder.",
    "housekeeping_last_run_seconds": "When housekeeping last ran.",
    "housekeeping_steps_in_trouble": "Steps of housekeeping that failed the last time.",
    "housekeeping_step_last_run_seconds": "When this step last ran, to a minute.",
    "housekeeping_step_next_run_seconds": "When this step is due again.",
    "backup_last_seconds": "When the last backup was made; 0 for never.",
    "drill_last_seconds": "When a drill last went well; 0 for never.",
    "troubles": "Things on the status page that need somebody, as far as they are cheap to find out.",
}


def text() -> str:
    """All samples, each metric with what it is, once."""
    lines: list[str] = []
    for name, labels, value in _samples():
        heading = [f"# HELP latchkey_{name} {WHAT[name]}", f"# TYPE latchkey_{name} gauge"]
        lines += heading if heading[0] not in lines else []
        named = ",".join(f'{label}="{word}"' for label, word in labels.items())
        lines.append(f"latchkey_{name}{{{named}}} {value:.15g}" if named else f"latchkey_{name} {value:.15g}")
    return "\n".join([*lines, ""])


def _samples() -> Iterator[Sample]:
    versions = {"version": settings.VERSION, "python": platform.python_version()}
    yield "info", versions | {"django": django.get_version()}, 1
    yield "signer_up", {}, float(health.signer_listens())
    yield "door_up", {}, float(health.door_lets_in())
    if settings.BROKER:
        yield "broker_up", {}, float(link.read().connected)
    yield from _counts()
    yield from _ends()
    yield "disk_free_bytes", {}, float(shutil.disk_usage(settings.DATA).free)
    yield from _housekeeping()
    for name, action in (("backup", notes.MADE), ("drill", notes.DRILLED)):
        at = notes.last(action)
        yield f"{name}_last_seconds", {}, at.timestamp() if at else 0.0
    yield "troubles", {}, float(len(health.problems_at_a_glance()))


def _ends() -> Iterator[Sample]:
    for authority in AUTHORITIES:
        try:
            ends = crl.current(authority).ends
        except (OSError, ValueError):
            continue
        yield "crl_next_update_seconds", {"authority": authority}, ends.timestamp()
    if leaf := tls.served():
        yield "server_certificate_not_after_seconds", {}, leaf.not_valid_after_utc.timestamp()


def _housekeeping() -> Iterator[Sample]:
    at, steps = housekeeping.last()
    yield "housekeeping_last_run_seconds", {}, at.timestamp() if at else 0.0
    yield "housekeeping_steps_in_trouble", {}, float(sum(bool(said) for said in steps.values()))
    times = housekeeping.ran()
    known = [step for step in housekeeping.STEPS if step.name in times]
    for step in known:
        yield "housekeeping_step_last_run_seconds", {"step": step.name}, times[step.name].timestamp()
    for step in known:
        due = times[step.name].timestamp() + step.every
        yield "housekeeping_step_next_run_seconds", {"step": step.name}, due


class _Kept:
    """The counts, and until when they are good enough (monotonic seconds)."""

    samples: tuple[Sample, ...] = ()
    until = 0.0


def _counts() -> tuple[Sample, ...]:
    """What takes a walk through an index; asked for once a minute at most."""
    if time.monotonic() >= _Kept.until:
        counters: tuple[Callable[[], Iterator[Sample]], ...] = (_by_word, _certificates)
        _Kept.samples = tuple(sample for counter in counters for sample in counter())
        _Kept.until = time.monotonic() + KEPT
    return _Kept.samples


def _by_word() -> Iterator[Sample]:
    tables: tuple[tuple[str, type[Model], str, list[str]], ...] = (
        ("requests", CertificationRequest, "status", Status.values),
        ("presses", Press, "outcome", Outcome.values),
        ("messages", Delivery, "state", Delivery.State.values),
    )
    for name, model, column, words in tables:
        rows = model._default_manager.order_by().values_list(column).annotate(number=Count("pk"))
        numbers = dict(rows)
        for word in words:
            yield name, {column: word}, float(numbers.get(word, 0))


def _certificates() -> Iterator[Sample]:
    """Each over an index of its own (pki/models.py); those of our services are few, and left out."""
    now = timezone.now()
    valid, gone = (Certificate.objects.filter(revoked_at__isnull=empty) for empty in (True, False))
    counted = {
        "live": valid.filter(not_after__gt=now + ENDS_SOON).count(),
        "ending": valid.filter(not_after__gt=now, not_after__lte=now + ENDS_SOON).count(),
        "revoked": gone.filter(not_after__gt=now).count(),
        "expired": Certificate.objects.filter(not_after__lte=now).count(),
    }
    ours = Counter(_state(end, revoked_at, now) for _, end, revoked_at in addresses.of_services())
    for state, number in counted.items():
        yield "certificates", {"state": state}, float(number - ours[state])


def _state(end: datetime, revoked_at: datetime | None, now: datetime) -> str:
    if end <= now:
        return "expired"
    if revoked_at:
        return "revoked"
    return "live" if end > now + ENDS_SOON else "ending"
