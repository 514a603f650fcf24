"""What ends when: a picture of bars, a week or a month each, one below the other so that a phone has room."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pki import catalogue
from portal.certificate_lists import midnight

BARS = 13  # a year of months and one, or a quarter of weeks
# In the picture's own units, which on a phone are its pixels: the picture, a bar's place, where bars begin
# and how long the longest is, with room for its number behind it.
WIDTH, ROW, LEFT, LONGEST = 320, 26, 72, 196
UNITS = {"month": _("By month"), "week": _("By week")}


@dataclass(frozen=True)
class Bar:
    """How many end from `first` up to and without `last`. `y`, `width`: where its bar is drawn."""

    first: date
    last: date
    count: int
    label: str
    y: int
    width: int

    @property
    def number(self) -> str:
        number = number_format(min(self.count, catalogue.COUNTED), force_grouping=True)
        return f"{number}+" if self.count > catalogue.COUNTED else number

    @property
    def until(self) -> date:
        """Its last day."""
        return self.last - timedelta(days=1)

    @property
    def end(self) -> int:
        """Where the bar ends."""
        return LEFT + self.width


def bars(owners: tuple[str, ...] | None, unit: str, today: date) -> list[Bar]:
    """From this week or month on. Each counts to a thousand at most, so a million take no longer."""
    starts = _starts(unit, today)
    counts = [_ending(owners, max(a, today), b) for a, b in zip(starts, starts[1:], strict=False)]
    highest = max(*counts, 1)
    found = []
    for place, (first, last, count) in enumerate(zip(starts, starts[1:], counts, strict=False)):
        width = max(round(LONGEST * count / highest), 3) if count else 0
        label = date_format(first, "M Y" if unit == "month" else gettext("j M"))
        found.append(Bar(max(first, today), last, count, label, place * ROW, width))
    return found


def _ending(owners: tuple[str, ...] | None, first: date, last: date) -> int:
    since, until = midnight(first), midnight(last)
    return catalogue.ending(owners, since, until) if since and until else 0


def _starts(unit: str, today: date) -> list[date]:
    """BARS beginnings and the end of the last."""
    if unit == "week":
        monday = today - timedelta(days=today.weekday())
        return [monday + timedelta(weeks=number) for number in range(BARS + 1)]
    months = [today.year * 12 + today.month - 1 + number for number in range(BARS + 1)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]
