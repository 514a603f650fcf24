"""Who may open which door, and when: rules as stretches of time in the household's zone.

A rule's hours are those of the clock on the wall. A time that the clock shows twice (the end of summer time)
counts the first time; one that it leaves out counts at the moment it is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from accounts import household
from accounts.models import User
from accounts.rows import models
from door.models import Door, Rule

DAY, WEEK = timedelta(days=1), timedelta(days=7)
ALWAYS = datetime.max.replace(tzinfo=UTC)
EVER = datetime.min.replace(tzinfo=UTC)
Stretch = tuple[datetime, datetime]  # from, and up to without it; UTC


@dataclass(frozen=True)
class Opening:
    """A door for one person at one moment. Moments are in UTC."""

    door: Door
    now: bool
    until: datetime | None  # when it shuts; None: not within a week, or it is shut now
    next: datetime | None  # when it opens next; None: it is open now


@dataclass(frozen=True)
class Access:
    """Who may open a door at one moment."""

    everybody: bool  # whoever has a certificate
    people: list[User]


def zone() -> ZoneInfo:
    """The household's."""
    return ZoneInfo(household.current().time_zone)


def in_use() -> QuerySet[Door]:
    """Doors that are there to be opened: not retired, and no practice once there is a broker."""
    found = Door.objects.filter(retired_at=None).order_by("position", "name", "pk")
    return found.filter(practice=False) if settings.BROKER else found


def openings(user: User, at: datetime, place: ZoneInfo | None = None) -> list[Opening]:
    """The doors that `user` may open, now or some time later, by position and name. `at` is aware.

    `place` saves a query for those who know the household's zone.
    """
    if not user.is_active:
        return []
    place = place or zone()
    fitting: dict[int, list[Rule]] = {}
    for rule in _rules_at_once(user):
        fitting.setdefault(rule.door_id, []).append(rule)
    found = [
        (door, [stretch for rule in fitting[door.pk] for stretch in stretches(rule, at, place)])
        for door in _doors_at_once()
        if door.pk in fitting
    ]
    return [_opening(door, stretched, at) for door, stretched in found if stretched]


def who_may(door: Door, at: datetime) -> Access:
    """Who may open `door` at this moment, by name; retired doors open for nobody."""
    place = zone()
    rules = door.rules.all() if in_use().filter(pk=door.pk).exists() else Rule.objects.none()
    now = [rule for rule in rules if open_at(rule, at, place)]
    if any(rule.person_id is None and rule.group_id is None for rule in now):
        return Access(everybody=True, people=[])
    named = Q(pk__in=[rule.person_id for rule in now if rule.person_id])
    grouped = Q(door_groups__in=[rule.group_id for rule in now if rule.group_id])
    people = User.objects.filter(named | grouped, is_active=True).distinct()
    return Access(everybody=False, people=list(people.order_by("full_name", "username")))


def rules_of(user: User) -> QuerySet[Rule]:
    """Every rule that is about `user`: by name, by group, or about everybody."""
    groups = user.door_groups.values("pk")
    return Rule.objects.filter(Q(person=user) | Q(group__in=groups) | Q(person=None, group=None))


def _rules_at_once(user: User) -> Iterable[Rule]:
    """`rules_of`, without compiling the query again, which takes several times as long as asking it."""
    sql, parameters = _rules_sql()
    me = User._meta.pk.get_db_prep_value(user.pk, connection)
    return models(Rule, sql, [me] * len(parameters))


@cache
def _rules_sql() -> tuple[str, tuple[object, ...]]:
    """Its only parameter is the person, each time."""
    return rules_of(User()).query.sql_with_params()


def _doors_at_once() -> Iterable[Door]:
    """`in_use`, likewise."""
    return models(Door, *_doors_sql(settings.BROKER is not None))


@cache
def _doors_sql(broker: bool) -> tuple[str, tuple[object, ...]]:
    del broker  # in_use looks for itself
    return in_use().query.sql_with_params()


def open_at(rule: Rule, at: datetime, place: ZoneInfo) -> bool:
    return any(begins <= at < ends for begins, ends in stretches(rule, at, place))


def stretches(rule: Rule, at: datetime, place: ZoneInfo) -> list[Stretch]:
    """When `rule` opens its door: the stretches that are not over at `at`, about a week of them."""
    if rule.weekdays == Rule.EVERY_DAY and rule.starts is None:
        first = moment(rule.first_day, time.min, place) if rule.first_day else EVER
        last = moment(rule.last_day + DAY, time.min, place) if rule.last_day else ALWAYS
        found = [(first, last)]
    else:
        found = [_stretch(rule, day, place) for day in _days(rule, at.astimezone(place).date())]
    return [(begins, ends) for begins, ends in found if begins < ends and at < ends]


def _days(rule: Rule, today: date) -> Iterable[date]:
    """The rule's days from yesterday on, whose night may last until today; or from its first day on."""
    begin = max(today - DAY, rule.first_day or date.min)
    for number in range(9):
        day = begin + number * DAY
        if rule.weekdays >> day.weekday() & 1 and (rule.last_day is None or day <= rule.last_day):
            yield day


def _stretch(rule: Rule, day: date, place: ZoneInfo) -> Stretch:
    """What the rule opens on `day`. Hours past midnight belong to the day on which they begin."""
    if rule.starts is None or rule.ends is None:
        return moment(day, time.min, place), moment(day + DAY, time.min, place)
    last = day if rule.starts < rule.ends else day + DAY
    return moment(day, rule.starts, place), moment(last, rule.ends, place)


@lru_cache(maxsize=512)
def moment(day: date, clock: time, place: ZoneInfo) -> datetime:
    """When the clocks of `place` first show this time of this day, or jump over it; UTC."""
    wall = datetime.combine(day, clock)
    # PEP 495: in a gap, fold=1 is an hour before and fold=0 an hour after; elsewhere fold=0 is the first.
    after = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    if after.astimezone(place).replace(tzinfo=None) == wall:
        return after
    before = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        jumped = middle.astimezone(place).utcoffset() == after.astimezone(place).utcoffset()
        before, after = (before, middle) if jumped else (middle, after)
    return after.replace(microsecond=0)


def _opening(door: Door, found: list[Stretch], at: datetime) -> Opening:
    found.sort()
    begins = found[0][0]
    if at < begins:
        return Opening(door, False, None, begins)
    until = at
    for start, ends in found:  # what touches is one
        until = max(until, ends) if start <= until else until
    whole = {ends for start, ends in found if ends - start > WEEK}  # up to a last day, however far
    return Opening(door, True, until if until - at < WEEK or until in whole - {ALWAYS} else None, None)
