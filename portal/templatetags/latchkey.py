"""How pages write dates, fingerprints and states. Dates appear in the active (the household's) time zone."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

DAY, MINUTE, FULL = "j F Y", "j F Y, H:i", "j F Y, H:i:s T"  # 5 December 2026, 10:31:00 CET

# A model's status value, or a state's own name -> its class in latchkey.css and its word on every page.
STATES = {
    "pending": ("waiting", "Waiting"),
    "waiting": ("waiting", "Waiting"),
    "question": ("question", "Question for you"),
    "approved": ("approved", "Approved, waiting for the CA"),
    "issued": ("issued", "Issued"),
    "rejected": ("refused", "Refused"),
    "refused": ("refused", "Refused"),
    "withdrawn": ("withdrawn", "Withdrawn"),
    "lapsed": ("lapsed", "Lapsed"),
    "live": ("live", "Live"),
    "hold": ("hold", "On hold"),
    "revoked": ("revoked", "Revoked"),
    "expired": ("expired", "Expired"),
}


@register.filter
def state_class(status: str) -> str:
    """The CSS class of a state; an unknown name is its own class."""
    return STATES.get(str(status), (str(status), ""))[0]


@register.filter
def state_word(status: str) -> str:
    """The word of a state; any other text passes through."""
    return STATES.get(str(status), ("", str(status)))[1]


@register.filter
def grouped(digits: str) -> str:
    """Hex digits in groups of four."""
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


@register.filter
def first_line(label: object) -> str:
    return str(label).partition("\n")[0]


@register.filter
def other_lines(label: object) -> str:
    return str(label).partition("\n")[2]


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _span(length: timedelta, days: int) -> str:
    """A length in its largest sensible unit; `days` are counted by the calendar."""
    if length < timedelta(hours=1):
        return _count(length.seconds // 60, "minute")
    if length < timedelta(hours=24):
        return _count(length.seconds // 3600, "hour")
    if days < 60:
        return _count(days, "day")
    return _count(round(days / 30.4), "month") if days < 700 else _count(round(days / 365.25), "year")


def _days_until(moment: datetime) -> int:
    """Midnights in the active time zone between now and `moment`; negative when it is past."""
    return (timezone.localdate(moment) - timezone.localdate()).days


def _relative(moment: datetime) -> str:
    length = moment - timezone.now()
    if abs(length) < timedelta(minutes=1):
        return "just now"
    span = _span(abs(length), abs(_days_until(moment)))
    return f"in {span}" if length > timedelta(0) else f"{span} ago"


def _absolute(moment: datetime) -> str:
    """The time today; date and time within a day of now; else the date."""
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return date_format(local, "H:i")
    near = abs(moment - timezone.now()) < timedelta(hours=24)
    return date_format(local, MINUTE if near else DAY)


def _time(moment: datetime, text: str) -> SafeString:
    """`text` as `<time>`, with the exact moment for machines and on hovering."""
    local = timezone.localtime(moment)
    machine = local.isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', machine, date_format(local, FULL), text)


@register.filter
def since(moment: datetime | None) -> SafeString | str:
    """Relative with the absolute beside it: "in 12 days, 5 December 2026"."""
    return _time(moment, f"{_relative(moment)}, {_absolute(moment)}") if moment else ""


@register.filter
def at(moment: datetime | None) -> SafeString | str:
    """The absolute part alone, for the middle of a sentence: "12:03", "5 December 2026"."""
    return _time(moment, _absolute(moment)) if moment else ""


@register.filter
def dated(moment: datetime | None) -> SafeString | str:
    """The same, date first, to stand after "until" or "since": "5 December 2026, in 12 days"."""
    if moment is None:
        return ""
    return _time(moment, f"{date_format(timezone.localtime(moment), DAY)}, {_relative(moment)}")


@register.filter
def exactly(moment: datetime | None) -> SafeString | str:
    """Date and time to the second, with the zone."""
    return _time(moment, date_format(timezone.localtime(moment), FULL)) if moment else ""


@register.filter
def in_days(moment: datetime) -> str:
    """ "today", "tomorrow", "in 12 days", "yesterday", "12 days ago"."""
    days = _days_until(moment)
    named = {0: "today", 1: "tomorrow", -1: "yesterday"}
    return named.get(days) or (f"in {days} days" if days > 0 else f"{-days} days ago")
