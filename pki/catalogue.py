"""Finding certificates: keyset pages over indexes, as fast with a million of them as with a hundred.

Nothing is counted and nothing sorted: each order is an index (pki/models.py), and a page goes on where the
last one ended. What is searched for is looked up first; only when more than FEW fit are they listed by the
word that fits, which is an index again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Concat
from django.db.models.lookups import GreaterThan, In
from django.utils import timezone

from pki import searching
from pki.models import Certificate
from pki.profiles import EVERY
from pki.revocation import HOLD

PAGE = 50  # rows
EXPORTED = 1000  # rows of an export at a time
ENDS_SOON = timedelta(days=30)
TICK = timedelta(microseconds=1)
LONGEST = timedelta(days=max(profile.max_days for profile in EVERY.values()) + 1)
SORTS = {"end": "not_after", "issued": "issued_at", "name": "subject"}
COUNTED = 1000  # above that a number helps nobody
STATES = ("current", "live", "ending", "hold", "revoked", "expired", "any")
# These are stretches of the calendar: listed otherwise, a page might walk past a million others first.
_BY_END = frozenset({"ending", "expired"})
_LATEST_FIRST = frozenset({"expired", "revoked", "any"})


@dataclass(frozen=True)
class Wanted:
    """Which certificates, in which order. None or "" filters nothing."""

    owners: tuple[str, ...] | None = None  # accounts
    people: tuple[str, ...] = ()  # accounts whose person's name fits `q`
    q: str = ""
    profile: str = ""  # and those alike
    state: str = "current"  # one of STATES; "current": neither expired nor revoked
    sort: str = "end"  # one of SORTS
    since: datetime | None = None  # that end at this moment or later
    until: datetime | None = None  # that end before
    after: str = ""  # the place of the last row of the page before


@dataclass(frozen=True)
class Entry:
    """One row: what of a certificate fits in a list. Without its DER, which is most of the table."""

    id: UUID
    owner: str
    authority: str
    profile: str
    serial: str
    fingerprint: str
    key_sha256: str
    subject: str
    sans: list[str]
    not_before: datetime
    not_after: datetime
    issued_at: datetime
    revoked_at: datetime | None
    reason: str


_COLUMNS = tuple(Entry.__dataclass_fields__)


@dataclass(frozen=True)
class Page:
    """`after`: the place to go on from, "" at the end. `many`: so many fit that they are listed by name."""

    entries: list[Entry]
    after: str
    many: bool = False


def page(wanted: Wanted, size: int = PAGE) -> Page:
    """The next `size` rows; fewer before the end only when `many` had to be looked through for them."""
    if not wanted.q.strip():
        return _listed(wanted, size)
    numbered = searching.by_number(wanted.q)
    if numbered:
        return _sorted(wanted, _few(wanted, numbered), size)
    ids = searching.few(wanted.q, wanted.owners, wanted.people)
    if ids is not None:
        rows = [row for row in _few(wanted, ids) if searching.fits(row, wanted.q, wanted.people)]
        return _sorted(wanted, rows, size)
    return _by_word(wanted, size)


def every(wanted: Wanted) -> Iterator[Entry]:
    """All rows, page by page."""
    while True:
        found = page(wanted, EXPORTED)
        yield from found.entries
        if not found.after:
            return
        wanted = replace(wanted, after=found.after)


def order(wanted: Wanted) -> tuple[str, bool]:
    """The column that rows are in order of, and whether the greatest comes first."""
    by_end = wanted.state in _BY_END or wanted.since or wanted.until
    column = "not_after" if by_end else SORTS.get(wanted.sort, "not_after")
    return column, column == "issued_at" or (column == "not_after" and wanted.state in _LATEST_FIRST)


def ending(owners: tuple[str, ...] | None, since: datetime, until: datetime) -> int:
    """How many of the current ones end in that stretch; COUNTED + 1 for more than COUNTED."""
    found = _fitting(Wanted(owners=owners, state="any", since=since, until=until))
    return found.filter(revoked_at=None).order_by().values("pk")[: COUNTED + 1].count()


def gone(owners: tuple[str, ...] | None) -> int:
    """How many have ended, were revoked or are on hold; COUNTED + 1 for more than COUNTED."""
    now, most = timezone.now(), COUNTED + 1
    found = Certificate.objects.all() if owners is None else Certificate.objects.filter(owner__in=owners)
    over, revoked = Q(not_after__lte=now), Q(revoked_at__isnull=False, not_after__gt=now)
    counts = [found.filter(part).order_by().values("pk")[:most].count() for part in (over, revoked)]
    return min(sum(counts), most)


def is_place(wanted: Wanted, many: bool) -> bool:
    """Whether `wanted.after` is a place as a page gives it; `many` is that page's."""
    return (searching.place(wanted.after, "") if many else _place(wanted)) is not None


def alike(name: str) -> list[str]:
    """The names of all profiles with the title of profile `name`: to people they are one."""
    title = EVERY[name].title if name in EVERY else ""
    return [other.name for other in EVERY.values() if other.title == title] or [name]


def _listed(wanted: Wanted, size: int) -> Page:
    column, descending = order(wanted)
    place = _place(wanted)
    found = _fitting(wanted, place=place)
    sign, beyond = ("-", "lt") if descending else ("", "gt")
    if place is not None:
        value, pk = place
        # The first condition is what the index seeks by; the second decides among equals.
        found = found.filter(**{f"{column}__{beyond}e": value})
        found = found.filter(Q(**{f"{column}__{beyond}": value}) | Q(**{f"id__{beyond}": pk}))
    rows = _entries(found.order_by(f"{sign}{column}", f"{sign}id")[: size + 1])
    return _cut(rows, wanted, size)


def _few(wanted: Wanted, ids: Iterable[UUID]) -> list[Entry]:
    return _entries(_fitting(wanted, Certificate.objects.filter(pk__in=list(ids))))


def _sorted(wanted: Wanted, rows: list[Entry], size: int) -> Page:
    """A few rows, put in order here: a planner might rather walk through the whole list in its order."""
    column, descending = order(wanted)
    rows.sort(key=lambda row: (getattr(row, column), row.id), reverse=descending)
    place = _place(wanted)
    if place is not None:
        rows = [row for row in rows if _beyond((getattr(row, column), row.id), place, descending)]
    return _cut(rows, wanted, size)


def _beyond(here: tuple[Any, UUID], place: tuple[Any, UUID], descending: bool) -> bool:
    return here < place if descending else here > place


def _by_word(wanted: Wanted, size: int) -> Page:
    """Many fit: in the order of the word by which they do."""
    walk = searching.Walk(wanted.q, wanted.after)
    found: list[Entry] = []
    while len(found) < size and (step := walk.step()):
        rows = {row.id: row for row in _few(wanted, [pk for _, pk in step])}
        for word, pk in step:
            walk.passed(word, pk)
            if pk in rows and walk.takes(rows[pk], word):
                found.append(rows[pk])
            if len(found) == size:
                break
    return Page(found, walk.place(), many=True)


def _cut(rows: list[Entry], wanted: Wanted, size: int) -> Page:
    if len(rows) <= size:
        return Page(rows, "")
    last = rows[size - 1]
    value = getattr(last, order(wanted)[0])
    shown = value.isoformat() if isinstance(value, datetime) else value
    return Page(rows[:size], f"{shown}_{last.id}")


def _place(wanted: Wanted) -> tuple[Any, UUID] | None:
    """Where the page before ended; None for the beginning, and for what we did not write."""
    text, _, pk = wanted.after.replace("\0", "").rpartition("_")
    try:
        if order(wanted)[0] == "subject":
            return text, UUID(pk)
        at = datetime.fromisoformat(text)
        return (at.astimezone(UTC), UUID(pk)) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _entries(found: QuerySet[Certificate]) -> list[Entry]:
    return [Entry(*row) for row in found.values_list(*_COLUMNS)]


def _fitting(
    wanted: Wanted, found: QuerySet[Certificate] | None = None, place: tuple[Any, UUID] | None = None
) -> QuerySet[Certificate]:
    found = Certificate.objects.all() if found is None else found
    if wanted.owners is not None:
        found = found.filter(owner__in=wanted.owners)
    if wanted.profile:
        found = found.filter(_of_profile(wanted))
    return found.filter(_in_state(wanted)).filter(_ending_within(wanted, place))


def _ending_within(wanted: Wanted, place: tuple[Any, UUID] | None) -> Q:
    """One bound on either side: of two SQLite seeks by the first, and walks from there to the other."""
    column, descending = order(wanted)
    first, last = _stretch(wanted.state)
    at = place[0] if place is not None and column == "not_after" else None
    firsts = [first, wanted.since, None if descending else at]
    lasts = [last, wanted.until and wanted.until - TICK, at if descending else None]
    lower, upper = (list(filter(None, bounds)) for bounds in (firsts, lasts))
    if column != "not_after" and lower:
        # By their end a planner would look up all of them, and then sort them for each page.
        return Q(GreaterThan(Coalesce("not_after", "not_after"), Value(max(lower))))
    after = Q(not_after__gte=max(lower)) if lower else Q()
    return after & Q(not_after__lte=min(upper)) if upper else after


def _stretch(state: str) -> tuple[datetime | None, datetime | None]:
    """From when to when those in this state end."""
    now = timezone.now()
    return {
        "current": (now, None),
        "live": (now + ENDS_SOON, None),
        "ending": (now, now + ENDS_SOON),
        "expired": (None, now),
    }.get(state, (None, None))


def _of_profile(wanted: Wanted) -> Q | In:
    """Few are revoked, and have indexes of their own: to SQLite, which keeps no statistics unless told to,
    the one by profile must not look better than those."""
    if wanted.state in ("revoked", "hold") and connection.vendor == "sqlite":
        return In(Concat(F("profile"), Value("")), alike(wanted.profile))
    several = alike(wanted.profile)  # of one the index has the order, too
    return Q(profile__in=several) if several[1:] else Q(profile=wanted.profile)


def _in_state(wanted: Wanted) -> Q:
    """Apart from when they end."""
    match wanted.state:
        case "any":
            return Q()
        case "revoked":
            return Q(revoked_at__isnull=False) & ~Q(reason=HOLD)
        case "hold":
            return Q(revoked_at__isnull=False, reason=HOLD)
    # Nothing older can be current: a last page need not walk back to the first year.
    young = Q(issued_at__gte=timezone.now() - LONGEST) if order(wanted)[0] == "issued_at" else Q()
    return Q(revoked_at__isnull=True) & young
