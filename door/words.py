"""Rules in words."""

from datetime import date, time
from itertools import groupby

from django.utils.formats import date_format

from door.models import Rule

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def describe(rule: Rule) -> str:
    """ "Charlie, Mon to Fri 8:00 to 17:00, until 31 December 2026"."""
    when = f"{weekdays(rule.weekdays)} {hours(rule.starts, rule.ends)}".strip()
    return ", ".join(filter(None, (whom(rule), when, dates(rule.first_day, rule.last_day))))


def whom(rule: Rule) -> str:
    if rule.person is not None:
        return rule.person.both_names
    return f"Group {rule.group.name}" if rule.group is not None else "Everybody with a certificate"


def weekdays(mask: int) -> str:
    """ "every day", "Mon to Fri", "Mon, Wed and Fri". Bit 0 of `mask` is Monday."""
    if mask == Rule.EVERY_DAY:
        return "every day"
    wanted = [number for number in range(7) if mask >> number & 1]
    runs = [list(run) for _, run in groupby(wanted, lambda number: number - wanted.index(number))]
    words: list[str] = []
    for run in runs:
        names = [DAYS[number] for number in run]
        words += [f"{names[0]} to {names[-1]}"] if len(run) > 2 else names
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def hours(starts: time | None, ends: time | None) -> str:
    """ "8:00 to 17:00", "22:00 to 6:00 the next day", or "at any time"."""
    if starts is None or ends is None:
        return "at any time"
    return f"{_clock(starts)} to {_clock(ends)}{'' if starts < ends else ' the next day'}"


def dates(first: date | None, last: date | None) -> str:
    """ "from 1 to 31 …" in full; "" when there is neither."""
    if first and first == last:
        return f"only on {_day(first)}"
    words = ([f"from {_day(first)}"] if first else []) + ([f"until {_day(last)}"] if last else [])
    return " ".join(words)


def _clock(moment: time) -> str:
    return f"{moment.hour}:{moment.minute:02}"


def _day(day: date) -> str:
    return date_format(day, "j F Y")
