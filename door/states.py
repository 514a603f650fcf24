"""What the home says of its doors: their present states, and what became of a press.

A home answers on a door's state topic, in plain text ("opened") or in JSON with the press's nonce. The words
come from another machine: what is not understood is left alone, and logged now and then.
"""

import json
import logging
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.db.models import QuerySet
from django.utils import timezone

from door import pins
from door.models import Door, Outcome, PinUse, Press

log = logging.getLogger(__name__)

NONCE = re.compile(r"[0-9a-f]{32}")  # as door/press.py makes them
LARGEST = 4096  # bytes
GRACE = timedelta(seconds=10)  # after a press's deadline: a motor takes its time to say "opened"
NONCE_FOR = timedelta(minutes=5)  # how long a home may take that says which press it means
AGAIN = 60  # seconds between two lines in the log about one topic

WORDS = ("opened", "closed", "locked", "unlocked")
SAME = {"open": "opened"}  # other people's words for ours
OPENING = ("opened", "unlocked")
DENIED = "denied"
ON_THEIR_WAY = (Outcome.SENDING, Outcome.RECEIVED)


@dataclass(frozen=True)
class State:
    """What a door is by the last word of the home."""

    word: str  # one of WORDS
    at: datetime  # when we heard of it


@dataclass(frozen=True)
class Word:
    """One message, understood. `door` is a slug; "" where the message names none, likewise the others."""

    word: str  # one of WORDS, or DENIED
    nonce: str = ""
    why: str = ""
    door: str = ""


class _Memory:
    """Of this process: by state topic and door."""

    states: ClassVar[dict[tuple[str, int], State]] = {}
    said: ClassVar[dict[str, float]] = {}  # topic -> when the log last spoke of it


def heard(topic: str, payload: bytes, *, retained: bool) -> None:
    """Take in one message of a state topic: plain text, or JSON {"state", "nonce", "why", "door"}.

    A retained one tells how the door is; it may be old, so it confirms no press.
    """
    word = understood(payload)
    doors = list(Door.objects.filter(state_topic=topic, retired_at=None)) if word else []
    doors = [door for door in doors if word and word.door in ("", door.slug)]
    if word is None or not doors:
        _complain(topic)
        return
    if word.word in WORDS:
        for door in doors:
            _Memory.states[topic, door.pk] = State(word.word, timezone.now())
    if not retained:
        _conclude(word, doors)


def present(door: Door) -> State | None:
    """The door's present state, None while the home has said nothing since this process began."""
    return _Memory.states.get((door.state_topic, door.pk))


def forget() -> None:
    """As if nothing had been heard: the connection is gone, and the doors may be otherwise by now."""
    _Memory.states.clear()


def understood(payload: bytes) -> Word | None:
    """The message, None for garbage."""
    if len(payload) > LARGEST:
        return None
    try:
        text = payload.decode().strip()
        found = json.loads(text) if text.startswith("{") else {"state": text}
    except (ValueError, RecursionError):
        return None
    state, nonce, why, door = (found.get(name) or "" for name in ("state", "nonce", "why", "door"))
    if not all(isinstance(value, str) for value in (state, nonce, why, door)):
        return None
    word = SAME.get(state.lower(), state.lower())
    return Word(word, nonce, why, door) if word in (*WORDS, DENIED) else None


def _conclude(word: Word, doors: list[Door]) -> None:
    """Give the press that is meant its outcome."""
    if word.word in OPENING:
        outcome = Outcome.OPENED
    elif word.word == DENIED:
        outcome = Outcome.DENIED
    else:
        return
    press = _meant(word, doors)
    # The same word may come twice, and others may write at this moment: only who changes the row goes on.
    if press is None or not _open_still(word).filter(pk=press.pk).update(
        outcome=outcome, finished_at=timezone.now()
    ):
        return
    if press.door.pin == PinUse.HOME and outcome == Outcome.OPENED:
        pins.note_right(press.user)
    if outcome == Outcome.DENIED and word.why == "pin":
        pins.note_wrong(press.user, press.door, address=press.address)


def _open_still(word: Word) -> QuerySet[Press]:
    """Presses that this word may end. With its nonce, one given up as well: it opened after all, late."""
    ends = (*ON_THEIR_WAY, Outcome.UNANSWERED) if word.nonce else ON_THEIR_WAY
    return Press.objects.filter(outcome__in=ends)


def _meant(word: Word, doors: list[Door]) -> Press | None:
    """The press with this nonce, at one of the doors of this topic; without one, the newest that may be."""
    now = timezone.now()
    # One on its way as well as a received one: a quick home answers before the PUBACK is written down.
    of_these = _open_still(word).filter(door__in=doors).select_related("door", "user").order_by("-at", "-id")
    if word.nonce:
        if not NONCE.fullmatch(word.nonce):  # none of ours; and some text no database takes
            return None
        return of_these.filter(nonce=word.nonce, at__gt=now - NONCE_FOR).first()
    longest = timedelta(seconds=max(door.valid_seconds for door in doors)) + GRACE
    for press in of_these.filter(at__gt=now - longest):
        if now <= press.at + timedelta(seconds=press.door.valid_seconds) + GRACE:
            return press
    return None


def _complain(topic: str) -> None:
    now = time.monotonic()
    if now - _Memory.said.get(topic, -AGAIN) < AGAIN:
        return
    if len(_Memory.said) > 1000:
        _Memory.said.clear()
    _Memory.said[topic] = now
    log.warning("state: what comes on %r is not understood (docs/brokers.md)", topic)
