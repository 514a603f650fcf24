"""Reading the audit trail: filtered, and as CSV or JSON."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import cells
from audit.models import AuditEvent
from audit.reading import Line
from pki.text import printable

# Proposed in the filter; any beginning of an action's name is understood ("request").
ACTIONS = (
    ("", _("Everything")),
    ("login", _("Signing in")),
    ("request", _("Requests and decisions")),
    ("certificate", _("Certificates: downloaded, revoked")),
    ("person", _("People and invitations")),
    ("role", _("Roles")),
    ("channel", _("Messages: where they go")),
    ("household", _("Settings of the household")),
    ("door", _("Doors: their rules, and who pressed")),
    ("pin", _("PINs: set, locked, unlocked")),
    ("crl", _("Revocation lists")),
    ("service", _("Certificates for Latchkey itself")),
    ("audit", _("Exports of this trail")),
)
COLUMNS = (
    *("sequence", "at", "actor", "address", "action", "target", "detail", "previous", "digest"),
    *("commitment", "salt"),
)
DAMAGED = "(damaged)"  # in exports, as the action of a line that cannot be read
FIRST, LAST = date(2, 1, 1), date(9998, 12, 31)


@dataclass(frozen=True)
class Wanted:
    """Filters; None or "" filters nothing. Days are those of the household's zone, both inclusive."""

    q: str | None = None
    actor: str | None = None
    action: str | None = None
    since: date | None = None
    until: date | None = None
    before: int | None = None  # only lines with a smaller number


def events(wanted: Wanted) -> QuerySet[AuditEvent]:
    """Matching lines, newest first."""
    found = AuditEvent.objects.order_by("-sequence")
    if wanted.before:
        found = found.filter(sequence__lt=wanted.before)
    if wanted.actor:
        found = found.filter(actor=wanted.actor.strip())
    if wanted.action:
        # A range and not startswith, which SQLite answers without the index.
        found = found.filter(action__gte=wanted.action, action__lt=f"{wanted.action}\U0010ffff")
    if wanted.since:
        found = found.filter(at__gte=_midnight(wanted.since))
    if wanted.until and wanted.until < date.max:
        found = found.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    for word in (wanted.q or "").split()[:5]:
        found = found.filter(
            Q(actor__icontains=word)
            | Q(action__icontains=word)
            | Q(target__icontains=word)
            | Q(address__icontains=word)
        )
    return found


def _midnight(day: date) -> datetime:
    """When `day` begins. The ends of the calendar move inwards: in some zones they begin beyond it."""
    day = min(max(day, FIRST), LAST)
    return timezone.make_aware(datetime.combine(day, time.min))


def as_csv(found: Iterable[Line]) -> Iterator[str]:
    """RFC 4180 lines with a heading. No cell can run as a formula or hide a character. A line that cannot be
    read has its number and DAMAGED."""
    yield cells.line(COLUMNS)
    for line in found:
        yield cells.line([_cell(str(line.number)), *_texts(line.event)])


def _texts(event: AuditEvent | None) -> list[str]:
    if event is None:
        return ["", "", "", DAMAGED]
    detail = json.dumps(event.detail, sort_keys=True)
    row = (event.actor, event.address, event.action, event.target, detail)
    proof = (event.previous, event.digest, event.commitment, event.salt)
    return [_moment(event), *map(_cell, (*row, *proof))]


def _cell(text: str) -> str:
    return cells.harmless(printable(text))


def as_json(found: Iterable[Line]) -> Iterator[str]:
    """One array, a line of text for each event: all fields as they are, so that digests can be recomputed.
    Of a line that cannot be read its number and DAMAGED."""
    return cells.array(json.dumps(_fields(line), sort_keys=True) for line in found)


def _fields(line: Line) -> dict[str, object]:
    event = line.event
    if event is None:
        number = line.number if isinstance(line.number, int) else str(line.number)
        return {"sequence": number, "action": DAMAGED}
    return {name: getattr(event, name) for name in COLUMNS} | {"at": _moment(event)}


def _moment(event: AuditEvent) -> str:
    return event.at.astimezone(UTC).isoformat(timespec="microseconds")
