"""Every press: filtered, in keyset pages that are as fast at any depth, and as CSV or JSON."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts import cells
from accounts.models import User
from accounts.names import printable
from door.models import Door, Outcome, Press
from door.policy import moment, zone

FIRST, LAST = date(2, 1, 1), date(9998, 12, 31)  # days that begin within the calendar in every zone
COLUMNS = (
    *("at", "door", "door_slug", "user", "name", "device", "certificate", "address", "outcome"),
    *("received_at", "finished_at", "nonce"),
)
# The class in latchkey.css of each outcome's shape.
LOOKS = {
    Outcome.SENDING: "waiting",
    Outcome.RECEIVED: "approved",
    Outcome.OPENED: "live",
    Outcome.PRACTICE: "waiting",
    Outcome.UNANSWERED: "lapsed",
    Outcome.DENIED: "refused",
    Outcome.WRONG_PIN: "refused",
    Outcome.OUTSIDE: "withdrawn",
    Outcome.TOO_MANY: "withdrawn",
    Outcome.LOCKED: "refused",
}


@dataclass(frozen=True)
class Wanted:
    """Filters; None or "" filters nothing. Days are those of the household's zone, both inclusive."""

    user: User | None = None  # only this person's presses
    q: str | None = None  # words of a person's name, a device or a door
    door: str | None = None  # its slug
    outcome: str | None = None
    since: date | None = None
    until: date | None = None
    after: str | None = None  # the place of the last line of the page before


def presses(wanted: Wanted) -> QuerySet[Press]:
    """Matching presses, newest first, with their door and person."""
    found = Press.objects.select_related("door", "user").order_by("-at", "-id")
    if wanted.user is not None:
        found = found.filter(user=wanted.user)
    if wanted.door:
        found = found.filter(door__in=list(Door.objects.filter(slug=wanted.door)))
    if wanted.outcome:
        found = found.filter(outcome=wanted.outcome)
    if wanted.since:
        found = found.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        found = found.filter(at__lt=_midnight(min(wanted.until, LAST) + timedelta(days=1)))
    return _after(_search(found, wanted.q or ""), wanted.after or "")


def _search(found: QuerySet[Press], text: str) -> QuerySet[Press]:
    """Each word in a person's names, the device or the door's name. Ids first: there are few of them."""
    for word in text.replace("\0", "").split()[:5]:
        people = User.objects.filter(Q(username__icontains=word) | Q(full_name__icontains=word))
        doors = Door.objects.filter(Q(name__icontains=word) | Q(slug__icontains=word))
        fits = Q(user__in=list(people.values_list("pk", flat=True)[:100]))
        found = found.filter(fits | Q(door__in=list(doors)) | Q(device__icontains=word))
    return found


def _after(found: QuerySet[Press], text: str) -> QuerySet[Press]:
    """What comes after a place; one that `place_of` did not make is the beginning."""
    at_text, _, pk_text = text.partition("_")
    try:
        at, pk = datetime.fromisoformat(at_text).astimezone(UTC), UUID(pk_text)
    except (ValueError, OverflowError):
        return found
    # The first condition is what the index seeks by; the second decides among equal times.
    return found.filter(at__lte=at).filter(Q(at__lt=at) | Q(id__lt=pk))


def forget(before: datetime, most: int = 500) -> int:
    """Forget some presses that are older, the oldest first; how many."""
    old = Press.objects.filter(at__lt=before).order_by("at", "id").values_list("pk", flat=True)[:most]
    return Press.objects.filter(pk__in=list(old)).delete()[0]


def place_of(press: Press) -> str:
    """Where a page ends, for `Wanted.after`."""
    return f"{_moment(press.at)}_{press.pk}"


def _midnight(day: date) -> datetime:
    return moment(min(max(day, FIRST), LAST), time.min, zone())


def as_csv(found: Iterable[Press]) -> Iterator[str]:
    """RFC 4180 lines with a heading. No cell can run as a formula or hide a character. Times in UTC."""
    yield cells.line(COLUMNS)
    for press in found:
        yield cells.line(cells.harmless(printable(text, 200)) for text in _line(press).values())


def as_json(found: Iterable[Press]) -> Iterator[str]:
    """One array, a line of text for each press."""
    return cells.array(json.dumps(_line(press)) for press in found)


def _line(press: Press) -> dict[str, str]:
    door, user = press.door, press.user
    values = (_moment(press.at), door.name, door.slug, user.username, user.full_name, press.device)
    more = (str(press.certificate), press.address, press.outcome, _moment(press.received_at))
    return dict(zip(COLUMNS, (*values, *more, _moment(press.finished_at), press.nonce), strict=True))


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else ""
