"""What the door's page shows to whom, and that it works without a script."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from door import pins
from door.models import Door, Outcome, PinUse, Press, Rule
from tests.door.conftest import PIN, Home, Visitor, make_door

Visit = Callable[..., Visitor]


@pytest.fixture
def front(db: None) -> Door:
    return make_door("front-door", pin=PinUse.HERE)


@pytest.fixture
def gate(db: None) -> Door:
    return make_door("garden-gate", pin=PinUse.NONE, colour="brown", picture="gate")


def text_of(answer: object) -> str:
    """Words of a page, blanks made one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_page_has_a_button_for_each_door_and_one_pin_field(
    visit: Visit, alice: User, front: Door, gate: Door
) -> None:
    pins.put(alice, PIN)
    page = visit(alice).get("/").content.decode()
    assert page.count('type="password"') == 1
    assert 'inputmode="numeric" autocomplete="current-password"' in page
    assert 'formaction="/doors/front-door/open"' in page
    assert re.search(r'formaction="/doors/garden-gate/open" formnovalidate', page)
