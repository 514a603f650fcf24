"""How the door's pages look: on a phone and on a desk, by day and by night, in both languages."""

import re
from collections.abc import Callable
from datetime import time, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from door import pins
from door.models import Colour, Door, Outcome, PinUse, Press, Rule
from tests.design.test_contrast import contrast
from tests.door.conftest import PIN, Home, Visitor, holder_for, make_door
from tests.pictures import ALL, faults_in


@pytest.fixture
def house(alice: User) -> list[Door]:
    """A front door, a gate without PIN, and a garage that is shut on this day of the week."""
    pins.put(alice, PIN)
    Door.objects.filter(practice=True).delete()
    found = [
        make_door("front-door", state_topic="home/front/state", position=1),
        make_door("garden-gate", pin=PinUse.NONE, colour="brown", picture="gate", position=2),
        make_door("garage", colour="blue", picture="garage", position=3, rule=False),
    ]
    shut = 1 << timezone.now().weekday() | 1 << (timezone.now() - timedelta(days=1)).weekday()
    week = Rule.EVERY_DAY & ~shut
    Rule.objects.create(door=found[2], weekdays=week, starts=time(8), ends=time(17, 30))
    return found


def pages_of_presses(visitor: Visitor, user: User, door: Door) -> dict[str, str]:
    """A page for each outcome."""
    pages = {}
    for number, outcome in enumerate(Outcome.values):
        made = Press.objects.create(
            door=door,
            user=user,
            token=f"{number:032x}",
            certificate=user.pk,
            device="Alice, phone",
            nonce=f"{number}",
            outcome=outcome,
        )
        pages[f"press-{outcome}"] = visitor.get(f"/presses/{made.pk}").content.decode()
    return pages


CSS = (settings.BASE_DIR / "static" / "door" / "door.css").read_text()


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_door_s_name_can_be_read_on_its_colour(theme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[theme]
    colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]{6})", block))
    for colour in Colour.values:
        assert contrast(colours["on-tile"], colours[colour]) >= 4.5, colour


@pytest.mark.slow
@pytest.mark.parametrize(("language", "wanted"), [("en", ALL), ("de", ("phone-light", "desk-dark"))])
def test_the_pages_can_be_used_and_read_everywhere(
    language: str,
    wanted: tuple[str, ...],
    visit: Callable[..., Visitor],
    alice: User,
    charlie: User,
    house: list[Door],
    home: Home,
) -> None:
    visitor = visit(alice, language)
    pages = {"doors": visitor.get("/").content.decode()}
    pages |= pages_of_presses(visitor, alice, house[0])
    pages["doors-press-again"] = visitor.press(house[0], "").content.decode()
    pages["doors-no-pin"] = visit(charlie, language).get("/").content.decode()
    pages["history"] = visitor.get("/history").content.decode()
    pages["help"] = visitor.get("/help").content.decode()
    pages["nothing"] = visitor.get("/nowhere").content.decode()
    ending = Visitor(holder_for(alice, "tablet", timedelta(days=12)), language)
    pages["doors-ending"] = ending.get("/").content.decode()
    Rule.objects.all().delete()
    pages["doors-none"] = visitor.get("/").content.decode()
    assert not faults_in({f"door-{name}-{language}": html for name, html in pages.items()}, wanted)
