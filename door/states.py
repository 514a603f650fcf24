"""What the home says of its doors: their present states, and what became of a press."""

from dataclasses import dataclass
from datetime import datetime

from door.models import Door


@dataclass(frozen=True)
class State:
    """What a door is by the last word of the home."""

    word: str  # one of WORDS
    at: datetime  # when we heard of it


WORDS = ("opened", "closed", "locked", "unlocked")


def heard(topic: str, payload: bytes, *, retained: bool) -> None:
    """Take in one message of a state topic: plain text, or JSON {"nonce", "state", "why"}."""


def present(door: Door) -> State | None:
    """The door's present state, None while the home has said nothing since this process began."""
    return None
