"""The first page: the doors of whoever asks, as buttons."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.models import User
from door import pins, policy, states, telling
from door.models import Door, PinUse
from door.policy import Opening
from door.views.frame import DoorRequest, pin_page, show

SOON = timedelta(days=1)


@dataclass(frozen=True)
class Tile:
    """One door on the page."""

    door: Door
    picture: str  # the template with its drawing
    why_not: str  # "" for a door that can be pressed now
    until: str  # "until today 20:00", where that is soon
    state: str  # the present state, "" where the home reports none


@dataclass(frozen=True)
class Notice:
    """What to say above the form."""

    title: str
    text: str


@require_safe
def home(request: DoorRequest) -> HttpResponse:
    return form(request)


def form(request: DoorRequest, notice: Notice | None = None, status: int = 200) -> HttpResponse:
    """The doors with a token of their own: whatever is pressed on this page is one press."""
    user, now = request.holder.user, timezone.now()
    found = policy.openings(user, now)
    lacks_pin = any(one.door.pin == PinUse.HERE for one in found) and not pins.has(user)
    tiles = [_tile(one, now, lacks_pin) for one in found]
    context = {
        "tiles": tiles,
        "asks_pin": any(not tile.why_not and tile.door.pin != PinUse.NONE for tile in tiles),
        "lacks_pin": lacks_pin,
        "pin_page": pin_page(),
        "saved_as": _saved_as(user),
        "notice": notice,
        "token": uuid.uuid4(),
        "csrf_token": get_token(request),
    }
    return show(request, "door/home.html", context, status)


def _saved_as(user: User) -> str:
    """The name for password managers. Not the portal's: they ignore ports, and would mix up the two secrets."""
    return f"{user.username} (PIN)"


def _tile(opening: Opening, now: datetime, lacks_pin: bool) -> Tile:
    door = opening.door
    why_not = ""
    if not opening.now:
        why_not = telling.from_when(opening.next, now)
    elif lacks_pin and door.pin == PinUse.HERE:
        why_not = gettext("needs your PIN")
    until = ""
    if opening.now and opening.until and opening.until - now < SOON:
        until = gettext("until %(moment)s") % {"moment": telling.named(opening.until, now)}
    known = states.present(door) if door.state_topic else None
    state = telling.state_word(known.word) if known else ""
    return Tile(door, f"door/pictures/{door.picture}.svg", why_not, until, state)
