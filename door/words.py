"""Rules in words."""

from datetime import date, time
from itertools import groupby

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from door.models import Rule

DAYS = (
    *(gettext_lazy("Mon"), gettext_lazy("Tue"), gettext_lazy("Wed"), gettext_lazy("Thu")),
    *(gettext_lazy("Fri"), gettext_lazy("Sat"), gettext_lazy("Sun")),
)


def in_english(rule: Rule) -> str:
    """`describe` for the audit trail."""
    with translation.override("en"):
        return describe(rule)


def describe(rule: Rule) -> str:
    """ "Charlie, Mon to Fri 8:00 to 17:00, until 31 December 2026"."""
    when = f"{weekdays(rule.weekdays)} {hours(rule.starts, rule.ends)}".strip()
    return ", ".join(filter(None, (whom(rule), when, dates(rule.first_day, rule.last_day))))


def whom(rule: Rule) -> str:
    if rule.person is not None:
        return rule.person.both_names
    if rule.group is not None:
        return _("Group %(name)s") % {"name": rule.group.name}
    return _("Everybody with a certificate")


def weekdays(mask: int) -> str:
    """ "every day", "Mon to Fri", "Mon, Wed and Fri". Bit 0 of `mask` is Monday."""
    if mask == Rule.EVERY_DAY:
        return _("every day")
    wanted = [number for number in range(7) if mask >> number & 1]
    runs = [list(run) for _number, run in groupby(wanted, lambda number: number - wanted.index(number))]
    words: list[str] = []
    for run in runs:
        names = [str(DAYS[number]) for number in run]
        words += [_span(names[0], names[-1])] if len(run) > 2 else names
    if not words[1:]:
        return "".join(words)
    return _("%(several)s and %(last)s") % {"several": ", ".join(words[:-1]), "last": words[-1]}


def hours(starts: time | None, ends: time | None) -> str:
    """ "8:00 to 17:00", "22:00 to 6:00 the next day", or "at any time"."""
    if starts is None or ends is None:
        return _("at any time")
    if starts < ends:
        return _span(_clock(starts), _clock(ends))
    return _("%(from)s to %(to)s the next day") % {"from": _clock(starts), "to": _clock(ends)}


def dates(first: date | None, last: date | None) -> str:
    """ "from 1 to 31 …" in full; "" when there is neither."""
    if first and first == last:
        return _("only on %(date)s") % {"date": _day(first)}
    words = [_("from %(date)s") % {"date": _day(first)}] if first else []
    words += [_("until %(date)s") % {"date": _day(last)}] if last else []
    return " ".join(words)


def _span(begin: str, end: str) -> str:
    return _("%(from)s to %(to)s") % {"from": begin, "to": end}


def _clock(moment: time) -> str:
    return f"{moment.hour}:{moment.minute:02}"


def _day(day: date) -> str:
    return date_format(day, _("j F Y"))
