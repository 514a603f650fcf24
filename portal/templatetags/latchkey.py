"""How pages write dates, fingerprints and states. Dates appear in the active (the household's) time zone."""

from datetime import datetime, timedelta

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext_lazy

from enrollment.in_words import in_words
from portal import guide

register = template.Library()
register.filter("in_words", in_words)

# 5 December 2026, 10:31:00 CET
DAY, MINUTE, FULL = gettext_noop("j F Y"), gettext_noop("j F Y, H:i"), gettext_noop("j F Y, H:i:s T")

# A model's status value, or a state's own name -> its class in latchkey.css and its word on every page.
STATES = {
    "pending": ("waiting", gettext_lazy("Waiting")),
    "waiting": ("waiting", gettext_lazy("Waiting")),
    "question": ("question", gettext_lazy("Question for you")),
    "approved": ("approved", gettext_lazy("Approved, waiting for the CA")),
    "issued": ("issued", gettext_lazy("Issued")),
    "rejected": ("refused", gettext_lazy("Refused")),
    "refused": ("refused", gettext_lazy("Refused")),
    "withdrawn": ("withdrawn", gettext_lazy("Withdrawn")),
    "lapsed": ("lapsed", gettext_lazy("Lapsed")),
    "live": ("live", gettext_lazy("Live")),
    "hold": ("hold", gettext_lazy("On hold")),
    "revoked": ("revoked", gettext_lazy("Revoked")),
    "expired": ("expired", gettext_lazy("Expired")),
}


@register.filter
def state_class(status: str) -> str:
    """The CSS class of a state; an unknown name is its own class."""
    return STATES.get(str(status), (str(status), ""))[0]


@register.filter
def state_word(status: str) -> str:
    """The word of a state; any other text passes through."""
    return str(STATES.get(str(status), ("", str(status)))[1])


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


AHEAD = {
    "minute": ngettext_lazy("in %(number)d minute", "in %(number)d minutes", "number"),
    "hour": ngettext_lazy("in %(number)d hour", "in %(number)d hours", "number"),
    "day": ngettext_lazy("in %(number)d day", "in %(number)d days", "number"),
    "month": ngettext_lazy("in %(number)d month", "in %(number)d months", "number"),
    "year": ngettext_lazy("in %(number)d year", "in %(number)d years", "number"),
}
PAST = {
    "minute": ngettext_lazy("%(number)d minute ago", "%(number)d minutes ago", "number"),
    "hour": ngettext_lazy("%(number)d hour ago", "%(number)d hours ago", "number"),
    "day": ngettext_lazy("%(number)d day ago", "%(number)d days ago", "number"),
    "month": ngettext_lazy("%(number)d month ago", "%(number)d months ago", "number"),
    "year": ngettext_lazy("%(number)d year ago", "%(number)d years ago", "number"),
}


def _span(length: timedelta, days: int) -> tuple[int, str]:
    """A length in its largest sensible unit; `days` are counted by the calendar."""
    if length < timedelta(hours=1):
        return length.seconds // 60, "minute"
    if length < timedelta(hours=24):
        return length.seconds // 3600, "hour"
    if days < 60:
        return days, "day"
    return (round(days / 30.4), "month") if days < 700 else (round(days / 365.25), "year")


def _days_until(moment: datetime) -> int:
    """Midnights in the active time zone between now and `moment`; negative when it is past."""
    return (timezone.localdate(moment) - timezone.localdate()).days


def _relative(moment: datetime) -> str:
    length = moment - timezone.now()
    if abs(length) < timedelta(minutes=1):
        return _("just now")
    number, unit = _span(abs(length), abs(_days_until(moment)))
    words = AHEAD if length > timedelta(0) else PAST
    return str(words[unit] % {"number": number})


def _absolute(moment: datetime) -> str:
    """The time today; date and time within a day of now; else the date."""
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return date_format(local, "H:i")
    near = abs(moment - timezone.now()) < timedelta(hours=24)
    return date_format(local, _(MINUTE if near else DAY))


def _time(moment: datetime, text: str) -> SafeString:
    """`text` as `<time>`, with the exact moment for machines and on hovering."""
    local = timezone.localtime(moment)
    machine = local.isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', machine, date_format(local, _(FULL)), text)


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
    return _time(moment, f"{date_format(timezone.localtime(moment), _(DAY))}, {_relative(moment)}")


@register.filter
def exactly(moment: datetime | None) -> SafeString | str:
    """Date and time to the second, with the zone."""
    return _time(moment, date_format(timezone.localtime(moment), _(FULL))) if moment else ""


@register.filter
def in_days(moment: datetime) -> str:
    """ "today", "tomorrow", "in 12 days", "yesterday", "12 days ago"."""
    days = _days_until(moment)
    named = {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}
    return named.get(days) or str((AHEAD if days > 0 else PAST)["day"] % {"number": abs(days)})


@register.simple_tag(takes_context=True)
def help_here(context: Context) -> str:
    """The address of the help, at the part that belongs to this page; error pages have no request."""
    match = getattr(context.get("request"), "resolver_match", None)
    part = guide.part_of(match.view_name if match else "")
    address = reverse("portal:help", urlconf="portal.urls")
    return f"{address}#{part}" if part else address
