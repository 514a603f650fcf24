"""What became of a press, in words for whoever pressed, in the language that is active."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from door import pins, policy, states
from door.models import Outcome, PinUse, Press
from door.press import LOST_AFTER, again_at


@dataclass(frozen=True)
class Story:
    """One press, as its page tells it."""

    title: str
    text: str = ""
    tone: str = "plain"  # a class of static/door/door.css: plain, good, bad
    steps: list[tuple[str, str]] = field(
        default_factory=list
    )  # class of latchkey.css ("done", "now", ""), word
    status: int = 200  # of HTTP; never 403, at which Safari hides the page
    going: bool = False  # it may still change by itself: look again
    retry: bool = False  # the same PIN field may be used again at once


def story(press: Press, at: datetime) -> Story:
    """What to say of `press` at this moment. Tries, hours and waits are those of now, not of then."""
    return TELLERS[Outcome(press.outcome)](press, at)


def _sending(press: Press, at: datetime) -> Story:
    if at - press.at < LOST_AFTER:
        return Story(gettext("Sending"), steps=_steps(0), going=True)
    text = gettext(
        "Latchkey was interrupted while it sent this, so it does not know whether the door opened. "
        "Nothing will open later."
    )
    return Story(gettext("Not known"), text, tone="bad")


def _received(press: Press, at: datetime) -> Story:
    door = press.door
    title = gettext("Received by the broker")
    if door.practice:
        text = gettext("This is a practice door: nothing opens. The press is in Latchkey's log.")
        return Story(gettext("Received"), text, tone="good")
    if not door.state_topic:
        text = gettext("This home does not report back. Look at the door itself.")
        return Story(title, text, tone="good", steps=_steps(2)[:2])
    if at < press.at + timedelta(seconds=door.valid_seconds) + states.GRACE:
        return Story(title, steps=_steps(2), going=True)
    text = gettext("The home has not said that it opened. Look at the door itself; nothing will open later.")
    return Story(title, text, steps=_steps(2)[:2])


def _opened(press: Press, at: datetime) -> Story:
    return Story(gettext("Opened"), tone="good", steps=_steps(3))


def _unanswered(press: Press, at: datetime) -> Story:
    text = gettext("Nothing will open later. Try again, or take the key.")
    return Story(gettext("The home does not answer"), text, tone="bad")


def _denied(press: Press, at: datetime) -> Story:
    title, text = gettext("Refused by the home"), gettext("It got the message and did not open.")
    if press.door.pin != PinUse.HOME:
        return Story(title, text, tone="bad")
    guess = gettext("Perhaps the PIN was wrong.")
    tries, more = _tries(press)
    return Story(title, f"{guess} {tries}", tone="bad", retry=more)


def _wrong_pin(press: Press, at: datetime) -> Story:
    tries, more = _tries(press)
    return Story(gettext("Wrong PIN"), tries, tone="bad", status=422, retry=more)


def _tries(press: Press) -> tuple[str, bool]:
    """How many tries are left, in words, and whether there are any."""
    left = pins.standing(press.user, press.door)
    if not isinstance(left, int):
        return _until(left), False
    return ngettext("%(left)d try is left.", "%(left)d tries are left.", left) % {"left": left}, True


def _locked(press: Press, at: datetime) -> Story:
    left = pins.standing(press.user, press.door)
    text = gettext("You may try again now.") if isinstance(left, int) else _until(left)
    return Story(gettext("Locked"), text, tone="bad", status=429)


def _until(lock: pins.Until) -> str:
    if lock == "officer":
        return gettext("Too many wrong PINs. An officer of your household must unlock you; ask one.")
    return gettext("Too many wrong PINs at this door. Try again tomorrow, or ask an officer to unlock you.")


def _outside(press: Press, at: datetime) -> Story:
    found = [one for one in policy.openings(press.user, at) if one.door.pk == press.door_id]
    text = gettext("Your time at this door is over.")
    if found:
        text = gettext("You may open it now.") if found[0].now else from_when(found[0].next, at)
    return Story(gettext("Outside your hours"), text, tone="bad", status=422)


def _too_many(press: Press, at: datetime) -> Story:
    again = again_at(press.user, press.door, at)
    text = gettext("You may press again now.")
    if again:
        text = gettext("You may press again at %(time)s.") % {"time": clock(again + timedelta(minutes=1))}
    return Story(gettext("Too many presses"), text, tone="bad", status=429)


TELLERS = {
    Outcome.SENDING: _sending,
    Outcome.RECEIVED: _received,
    Outcome.OPENED: _opened,
    Outcome.UNANSWERED: _unanswered,
    Outcome.DENIED: _denied,
    Outcome.WRONG_PIN: _wrong_pin,
    Outcome.OUTSIDE: _outside,
    Outcome.TOO_MANY: _too_many,
    Outcome.LOCKED: _locked,
}


def in_short(press: Press, at: datetime) -> tuple[str, str]:
    """A word for the history, and its tone; of refusals without asking what is so now."""
    lost = press.outcome == Outcome.SENDING and at - press.at >= LOST_AFTER
    words = {
        Outcome.SENDING: (gettext("Not known") if lost else gettext("Sending"), "plain"),
        Outcome.RECEIVED: (gettext("Received by the broker"), "plain"),
        Outcome.OPENED: (gettext("Opened"), "good"),
        Outcome.UNANSWERED: (gettext("The home does not answer"), "bad"),
        Outcome.DENIED: (gettext("Refused by the home"), "bad"),
        Outcome.WRONG_PIN: (gettext("Wrong PIN"), "bad"),
        Outcome.OUTSIDE: (gettext("Outside your hours"), "bad"),
        Outcome.TOO_MANY: (gettext("Too many presses"), "bad"),
        Outcome.LOCKED: (gettext("Locked"), "bad"),
    }
    return words[Outcome(press.outcome)]


def _steps(reached: int) -> list[tuple[str, str]]:
    """The three steps; `reached` is the number of those that are behind us, the next one is under way.

    That one does not say "Opened": at a glance it would be taken for done.
    """
    words = [gettext("Sent"), gettext("Received by the broker"), gettext("Opened")]
    under_way = {0: gettext("Sending"), 2: gettext("Waiting for the home")}
    words[reached : reached + 1] = [under_way[reached]] if reached in under_way else []
    marks = ["done"] * reached + ["now"] + [""] * 2
    return list(zip(marks, words, strict=False))


def state_word(word: str) -> str:
    """A door's present state, as door/states.py names it; "" for what we have no word for."""
    words = {
        "opened": gettext("open"),
        "closed": gettext("closed"),
        "locked": gettext("locked"),
        "unlocked": gettext("unlocked"),
    }
    return words.get(word, "")


def from_when(moment: datetime | None, at: datetime) -> str:
    """ "from Monday 8:00"; "" for never."""
    return gettext("from %(moment)s") % {"moment": named(moment, at)} if moment else ""


def named(moment: datetime, at: datetime) -> str:
    """A moment as people say it: "today 8:00", "Monday 8:00", "5 December 8:00"; in the household's zone."""
    local, today = timezone.localtime(moment), timezone.localtime(at).date()
    days = (local.date() - today).days
    if days in (0, 1, -1):
        day = (gettext("today"), gettext("tomorrow"), gettext("yesterday"))[days]
    elif 0 < days < 7:
        day = date_format(local, "l")
    else:
        # Translators: a day in the format of Django's `date` filter, "5 December"
        day = date_format(local, gettext("j F") if local.year == today.year else gettext("j F Y"))
    return f"{day} {clock(moment)}"


def clock(moment: datetime) -> str:
    """The time of day, "8:05"."""
    return date_format(timezone.localtime(moment), "G:i")
