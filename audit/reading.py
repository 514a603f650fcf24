"""Lines of the trail for people's eyes, also where somebody wrote past Latchkey into the database.

SQLite stores anything in any column, and any database a detail that is a list. A line that cannot be read
hides no other one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.db.models import QuerySet

from audit import chain
from audit.models import AuditEvent

_AT_A_TIME = 1000
# What the database's values may lead to; OperationalError is text that is no UTF-8, in SQLite.
_UNREADABLE = (ValueError, TypeError, OverflowError, AttributeError, ValidationError, OperationalError)
_TEXTS = ("actor", "address", "action", "target", "commitment", "salt", "previous", "digest")


@dataclass(frozen=True)
class Line:
    """`number`: what stands in its place, an int while nobody touched it. `event`: None for a line that
    cannot be read; otherwise every field has its type."""

    number: object
    event: AuditEvent | None

    @property
    def whole(self) -> bool:
        """Whether its digest fits; of old lines that faded only `trail.verify` can say."""
        event = self.event
        if event is None:
            return False
        return chain.is_whole(event) or (not event.commitment and event.address == chain.FADED)


def read(found: QuerySet[AuditEvent]) -> list[Line]:
    """All of `found`, in its order; one by one when they cannot be read together."""
    try:
        return [_line(event) for event in found]
    except _UNREADABLE:
        return [_alone(number) for number in found.values_list("sequence", flat=True)]


def oldest_first(found: QuerySet[AuditEvent]) -> Iterator[Line]:
    """All of `found`, some in memory at a time."""
    rest = found = found.order_by("sequence")
    while some := read(rest[:_AT_A_TIME]):
        yield from some
        last = some[-1].number
        if len(some) < _AT_A_TIME or not isinstance(last, int):
            return
        rest = found.filter(sequence__gt=last)


def _alone(number: Any) -> Line:
    try:
        return _line(AuditEvent.objects.get(pk=number))
    except (*_UNREADABLE, AuditEvent.DoesNotExist):
        return Line(number, None)


def _line(event: AuditEvent) -> Line:
    sound = isinstance(event.sequence, int) and isinstance(event.at, datetime)
    texts = all(isinstance(getattr(event, name), str) for name in _TEXTS)
    return Line(event.sequence, event if sound and texts and isinstance(event.detail, dict) else None)
