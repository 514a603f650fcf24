"""The first page: the doors of whoever asks, as buttons."""

import uuid
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext
from django.views.decorators.http import require_safe

from door import pins, policy, states, telling
from door.models import PinUse
from door.policy import Opening
from door.views.frame import DoorRequest, pin_page, renew_page
from pki.verification import LiveCertificate

SOON = timedelta(days=1)
LAST = timedelta(days=30)  # of a certificate's life, when its end is told; of a short life its last third
# What stands in a remembered page for what is new each time.
TOKEN, CSRF = "{latchkey-token}", "{latchkey-csrf}"


class Tile(NamedTuple):
    """One door on the page, in words."""

    slug: str
    name: str
    colour: str
    picture: str  # the template with its drawing
    asks_pin: bool
    why_not: str  # "" for a door that can be pressed now
    sub: str  # more about it: its state, how long it is open


class Notice(NamedTuple):
    """What to say above the form."""

    title: str
    text: str


@require_safe
def home(request: DoorRequest) -> HttpResponse:
    return form(request)


def form(request: DoorRequest, notice: Notice | None = None, status: int = 200) -> HttpResponse:
    """The doors with a token of their own: whatever is pressed on this page is one press."""
    user, now = request.holder.user, timezone.now()
    found = policy.openings(user, now, ZoneInfo(request.household.time_zone))
    lacks_pin = any(one.door.pin == PinUse.HERE for one in found) and not pins.has(user)
    tiles = tuple(_tile(one, now, lacks_pin) for one in found)
    words = (get_language(), request.household.name, user.username)
    page = _page(words, tiles, lacks_pin, _days_left(request.holder.certificate, now), notice)
    page = page.replace(TOKEN, str(uuid.uuid4())).replace(CSRF, get_token(request))
    return HttpResponse(page, status=status)


@lru_cache(maxsize=128)
def _page(
    words: tuple[str, str, str],
    tiles: tuple[Tile, ...],
    lacks_pin: bool,
    days_left: int,
    notice: Notice | None,
) -> str:
    """It depends on nothing else, people come back to the same one, and it takes a while to make."""
    _, household, username = words
    context = {
        "household": {"name": household},
        "tiles": tiles,
        "asks_pin": any(tile.asks_pin and not tile.why_not for tile in tiles),
        "lacks_pin": lacks_pin,
        "pin_page": pin_page(),
        "renew_page": renew_page(),
        "ends": _ends(days_left) if days_left else "",
        # Not the portal's name: password managers ignore ports, and would mix up the two secrets.
        "saved_as": f"{username} (PIN)",
        "notice": notice,
        "token": TOKEN,
        "csrf_token": CSRF,
    }
    return render_to_string("door/home.html", context)


def _days_left(certificate: LiveCertificate, now: datetime) -> int:
    """Until its end, the begun one too; 0 as long as there is nothing to say."""
    left = certificate.not_after - now
    told = min(LAST, (certificate.not_after - certificate.not_before) / 3)
    return max(1, ceil(left / timedelta(days=1))) if left < told else 0


def _ends(days: int) -> str:
    text = ngettext("Your certificate ends in %(days)d day.", "Your certificate ends in %(days)d days.", days)
    return text % {"days": days}


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
    sub = " · ".join(filter(None, (state, why_not or until)))
    picture = f"door/pictures/{door.picture}.svg"
    return Tile(door.slug, door.called, door.colour, picture, door.pin != PinUse.NONE, why_not, sub)
