"""Who may open which door, and when: weekdays, nights, last days, and the two odd days of the year."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from door import policy
from door.models import Door, Group, Rule
from door.words import describe
from tests.door.acts import let, live_in, practice_door

VIENNA = ZoneInfo("Europe/Vienna")
MONDAY = date(2026, 11, 23)
WORKDAYS = 0b0011111


def at(day: date, clock: str = "12:00", zone: ZoneInfo = VIENNA, fold: int = 0) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone).replace(fold=fold)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def door(db: None) -> Door:
    live_in("Europe/Vienna")
    Door.objects.update(position=900)
    return Door.objects.create(slug="front", name="Front door", topic="x", position=1)


def opening(user: User, door: Door, moment: datetime) -> policy.Opening:
    return next(found for found in policy.openings(user, moment) if found.door == door)


def may_open(user: User, door: Door, moment: datetime) -> bool:
    return any(found.door == door and found.now for found in policy.openings(user, moment))


def may(user: User, door: Door, day: date, *clocks: str) -> list[bool]:
    return [may_open(user, door, at(day, clock)) for clock in clocks]


def test_a_door_without_a_rule_opens_for_nobody(alice: User, door: Door) -> None:
    assert not may_open(alice, door, at(MONDAY))
    assert door not in [found.door for found in policy.openings(alice, at(MONDAY))]
    assert policy.who_may(door, at(MONDAY)) == policy.Access(False, [])


def test_a_rule_without_limits_opens_always(alice: User, charlie: User, door: Door) -> None:
    let(alice, door)
    assert opening(alice, door, at(MONDAY)) == policy.Opening(door, True, None, None)
    assert not may_open(charlie, door, at(MONDAY))


def test_a_group_opens_for_its_members_at_once_and_no_longer_than_they_are_members(
    alice: User, charlie: User, door: Door
) -> None:
    group = Group.objects.create(name="Family")
    door.rules.create(group=group)
    assert not may_open(alice, door, at(MONDAY))
    group.members.add(alice)
    assert may_open(alice, door, at(MONDAY))
    assert not may_open(charlie, door, at(MONDAY))
    assert policy.who_may(door, at(MONDAY)).people == [alice]


def test_everybody_is_everybody_but_the_deactivated(alice: User, charlie: User, door: Door) -> None:
    let(None, door)
    charlie.is_active = False
    charlie.save()
    assert may_open(alice, door, at(MONDAY))
    assert not may_open(charlie, door, at(MONDAY))
    assert not policy.openings(charlie, at(MONDAY))
    assert policy.who_may(door, at(MONDAY)).everybody


def test_hours_begin_with_their_first_minute_and_end_before_their_last(alice: User, door: Door) -> None:
    let(alice, door, weekdays=WORKDAYS, starts=time(8), ends=time(17))
    assert may(alice, door, MONDAY, "07:59:59", "08:00", "16:59:59", "17:00") == [False, True, True, False]
    assert may(alice, door, MONDAY - timedelta(days=1), "12:00") == [False]
    friday = MONDAY + timedelta(days=4)
    assert opening(alice, door, at(MONDAY, "09:00")).until == at(MONDAY, "17:00")
    assert opening(alice, door, at(friday, "18:00")).next == at(MONDAY + timedelta(days=7), "08:00")


def test_a_night_belongs_to_the_day_on_which_it_begins(alice: User, door: Door) -> None:
    let(alice, door, weekdays=0b0010000, starts=time(22), ends=time(6))  # Friday night
    friday, saturday = MONDAY + timedelta(days=4), MONDAY + timedelta(days=5)
    assert may(alice, door, friday, "05:00", "21:59", "22:00") == [False, False, True]
    assert may(alice, door, saturday, "00:00", "05:59", "06:00", "22:00") == [True, True, False, False]


def test_the_night_of_the_last_day_is_the_last(alice: User, door: Door) -> None:
    let(alice, door, starts=time(22), ends=time(6), first_day=MONDAY, last_day=MONDAY)
    tuesday = MONDAY + timedelta(days=1)
    assert may(alice, door, MONDAY, "05:00", "23:00") == [False, True]
    assert may(alice, door, tuesday, "05:00", "23:00") == [True, False]
    assert door not in [found.door for found in policy.openings(alice, at(tuesday, "06:00"))]


def test_first_and_last_day_count_as_a_whole(alice: User, door: Door) -> None:
    let(alice, door, first_day=MONDAY, last_day=date(2026, 12, 31))
    sunday = MONDAY - timedelta(days=1)
    assert may(alice, door, sunday, "23:59:59") == [False]
    assert opening(alice, door, at(sunday)).next == at(MONDAY, "00:00")
    assert may(alice, door, date(2026, 12, 31), "23:59:59") == [True]
    assert may(alice, door, date(2027, 1, 1), "00:00") == [False]
    assert opening(alice, door, at(MONDAY)).until == at(date(2027, 1, 1), "00:00")


def test_days_are_those_of_the_household_not_of_utc(alice: User, door: Door) -> None:
    let(alice, door, last_day=MONDAY)
    assert may_open(alice, door, utc("2026-11-23 22:59:59"))
    assert not may_open(alice, door, utc("2026-11-23 23:00:00"))
    live_in("Pacific/Kiritimati")
    assert not may_open(alice, door, utc("2026-11-23 10:00:00"))


@pytest.mark.parametrize("clock", ["00:30", "01:59", "03:00", "12:00"])
def test_in_spring_the_hours_are_those_on_the_wall(alice: User, door: Door, clock: str) -> None:
    spring = date(2026, 3, 29)  # 2:00 becomes 3:00
    let(alice, door, starts=time(1, 30), ends=time(12))
    assert may(alice, door, spring, clock) == ["01:30" <= clock < "12:00"]
    assert opening(alice, door, at(spring, "01:45")).until == utc("2026-03-29 10:00")


@pytest.mark.parametrize("minutes", [0, 15, 30, 59])
def test_a_time_that_spring_leaves_out_counts_when_the_clock_jumps(
    alice: User, door: Door, minutes: int
) -> None:
    spring = date(2026, 3, 29)
    let(alice, door, starts=time(2, minutes), ends=time(4))
    assert opening(alice, door, at(spring, "00:00")).next == utc("2026-03-29 01:00")
    Rule.objects.update(starts=time(1), ends=time(2, minutes))
    assert opening(alice, door, at(spring, "01:30")).until == utc("2026-03-29 01:00")


def test_hours_that_spring_leaves_out_altogether_open_nothing_that_day(alice: User, door: Door) -> None:
    let(alice, door, starts=time(2, 10), ends=time(2, 50))
    assert opening(alice, door, at(date(2026, 3, 29), "00:00")).next == at(date(2026, 3, 30), "02:10")


def test_a_time_that_autumn_shows_twice_counts_the_first_time(alice: User, door: Door) -> None:
    autumn = date(2026, 10, 25)  # 3:00 becomes 2:00
    let(alice, door, starts=time(2, 30), ends=time(4))
    assert opening(alice, door, at(autumn, "00:00")).next == utc("2026-10-25 00:30")
    assert opening(alice, door, at(autumn, "02:45", fold=1)).until == utc("2026-10-25 03:00")
    Rule.objects.update(starts=time(22), ends=time(2, 30))
    assert may(alice, door, autumn, "02:29") == [True]
    assert not may_open(alice, door, at(autumn, "02:29", fold=1))


def test_a_whole_day_in_autumn_has_twentyfive_hours(alice: User, door: Door) -> None:
    let(alice, door, weekdays=0b1000000)  # Sunday
    (begins, ends), *_ = policy.stretches(Rule.objects.get(door=door), at(date(2026, 10, 25)), VIENNA)
    assert ends - begins == timedelta(hours=25)


def test_rules_that_touch_are_one_opening(alice: User, door: Door) -> None:
    let(alice, door, starts=time(8), ends=time(12))
    let(alice, door, starts=time(12), ends=time(14))
    let(alice, door, starts=time(13), ends=time(17))
    let(None, door, starts=time(18), ends=time(19))
    assert opening(alice, door, at(MONDAY, "09:00")).until == at(MONDAY, "17:00")


def test_what_never_shuts_within_a_week_has_no_end(alice: User, door: Door) -> None:
    let(alice, door, weekdays=WORKDAYS)
    let(alice, door, weekdays=~WORKDAYS & Rule.EVERY_DAY)
    assert opening(alice, door, at(MONDAY)) == policy.Opening(door, True, None, None)


def test_a_rule_that_begins_next_year_is_announced(alice: User, door: Door) -> None:
    let(alice, door, weekdays=0b1, first_day=date(2027, 6, 1))
    assert opening(alice, door, at(MONDAY)).next == at(date(2027, 6, 7), "00:00")


@pytest.mark.parametrize("last", [date(2, 1, 1), date(2999, 12, 31)])
def test_far_days_break_nothing(alice: User, door: Door, last: date) -> None:
    let(alice, door, weekdays=WORKDAYS, first_day=date(2, 1, 1), last_day=last)
    assert may_open(alice, door, at(MONDAY)) == (last.year == 2999)


def test_retired_doors_and_practice_beside_a_broker_are_left_out(
    alice: User, door: Door, settings: Settings
) -> None:
    let(alice, door)
    practice = practice_door()
    assert [found.door for found in policy.openings(alice, at(MONDAY))] == [door, practice]
    settings.BROKER = {"host": "127.0.0.1"}
    assert [found.door for found in policy.openings(alice, at(MONDAY))] == [door]
    assert not may_open(alice, practice, at(MONDAY))
    Door.objects.filter(pk=door.pk).update(retired_at=at(MONDAY))
    assert policy.openings(alice, at(MONDAY)) == []
    assert not may_open(alice, door, at(MONDAY))
    assert policy.who_may(door, at(MONDAY)) == policy.Access(False, [])


def test_many_doors_cost_no_more_queries(
    alice: User, door: Door, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        let(alice, Door.objects.create(slug=f"door-{number}", name="Door"), starts=time(8), ends=time(9))
    with django_assert_num_queries(3):  # the household, the doors, the rules
        assert len(policy.openings(alice, at(MONDAY))) == 6


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Everybody with a certificate, every day at any time"),
        (
            {"weekdays": WORKDAYS, "starts": time(8), "ends": time(17), "last_day": date(2026, 12, 31)},
            "Everybody with a certificate, Mon to Fri 8:00 to 17:00, until 31 December 2026",
        ),
        ({"weekdays": 0b1010101}, "Everybody with a certificate, Mon, Wed, Fri and Sun at any time"),
        ({"weekdays": 0b1100000}, "Everybody with a certificate, Sat and Sun at any time"),
        ({"weekdays": 0b1000111}, "Everybody with a certificate, Mon to Wed and Sun at any time"),
        (
            {"starts": time(22), "ends": time(6, 5), "first_day": MONDAY, "last_day": MONDAY},
            "Everybody with a certificate, every day 22:00 to 6:05 the next day, only on 23 November 2026",
        ),
    ],
)
def test_a_rule_in_words(values: dict[str, Any], sentence: str, door: Door) -> None:
    assert describe(let(None, door, **values)) == sentence


def test_a_rule_names_its_person_by_both_names_and_its_group(charlie: User, door: Door) -> None:
    assert describe(let(charlie, door)) == "Charlie (charlie), every day at any time"
    group = Group.objects.create(name="Family")
    assert describe(door.rules.create(group=group)) == "Group Family, every day at any time"
