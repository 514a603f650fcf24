"""One line of the status page, and how it counts and dates in the middle of a sentence."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.templatetags.latchkey import MINUTE


def counted(number: int, noun: str) -> str:
    """A number with its noun, whose plural has an s: "1 line", "2,000 lines"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def dated(moment: datetime) -> str:
    """In the household's zone: "5 December 2026, 10:31"."""
    return date_format(timezone.localtime(moment), _(MINUTE))


@dataclass(frozen=True)
class Fact:
    """One thing looked at: `word` is its state for people, `well` whether nothing is to be done about it."""

    title: str
    well: bool
    word: str
    sentence: str = ""
    label: str = ""  # what happens or happened at `moment`
    moment: datetime | None = None

    @property
    def shape(self) -> str:
        """The style sheet's class for its state."""
        return "live" if self.well else "hold"
