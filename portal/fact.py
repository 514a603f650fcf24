"""One line of the status page."""

from dataclasses import dataclass
from datetime import datetime


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
