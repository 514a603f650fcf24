"""The door's pages of the portal in Chromium, at both widths and in both themes."""

from collections.abc import Callable
from datetime import date, time

import pytest
from django.test import Client

from accounts.models import User
from door import groups, pins
from door.models import Door, Outcome, PinUse, Tries
from tests.door.acts import let, make_door, pressed
from tests.pictures import faults_in

pytestmark = pytest.mark.slow

LOOKS = ("phone-light", "desk-dark")
Pages = dict[str, str]  # name -> HTML


def _house(alice: User, charlie: User, bob: User) -> Door:
    """Three doors, a group, rules of every kind, some presses, somebody locked out."""
    front = make_door(bob, served_by="home-broker")
    garage = make_door(bob, "Garage", picture="garage", colour="red", pin=PinUse.HOME, payload="{cn}:{pin}:")
    make_door(bob, "Gate to the garden, behind the old walnut tree", picture="gate", colour="brown")
    family = groups.create("Family", [alice, bob], by=bob)
    let(None, garage, starts=time(22), ends=time(6))
    let(charlie, front, weekdays=0b0011111, starts=time(8), ends=time(17), last_day=date(2030, 12, 31))
    let(charlie, front, last_day=date(2020, 12, 31))
    front.rules.create(group=family)
    for outcome in Outcome:
        pressed(alice, front, outcome)
    Tries.objects.create(user=charlie, door=front, day=date(2026, 1, 1), running=pins.IN_A_ROW)
    return front


def _get(client: Client, who: str, paths: dict[str, str]) -> Pages:
    answers = {name: client.get(path) for name, path in paths.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {f"doors-{who}-{name}": answer.content.decode() for name, answer in answers.items()}


@pytest.fixture
def pages(browser: Client, sign_in: Callable[..., Client], alice: User, charlie: User, bob: User) -> Pages:
    front = _house(alice, charlie, bob)
    rule = front.rules.get(person=charlie, last_day__year=2030)
    at = f"/doors/{front.slug}/"
    sign_in(browser, alice)
    html = _get(browser, "alice", {"list": "/doors/", "pin": "/doors/pin", "history": "/doors/history"})
    html["doors-alice-pin-error"] = browser.post("/doors/pin", {"pin": "123456"}).content.decode()
    sign_in(browser, bob)
    html |= _get(browser, "bob", {"list": "/doors/", "door": at, "edit": f"{at}edit", "new": "/doors/new"})
    html |= _get(browser, "bob", {"garage": "/doors/garage/", "rule": f"{at}rules/{rule.pk}", "home": "/"})
    html |= _get(browser, "bob", {"history": "/doors/history", "groups": "/doors/groups/"})
    html |= _get(browser, "bob", {"group": f"/doors/groups/{front.rules.get(person=None).group_id}"})
    html |= _get(browser, "bob", {"nothing": "/doors/history?q=nobody", "guest": f"{at}rules/new"})
    wrong = {"name": "", "topic": "lamp/#", "message": "own", "template": "{foo}", "pin": "here"}
    html["doors-bob-edit-error"] = browser.post(f"{at}edit", wrong).content.decode()
    html["doors-bob-rule-error"] = browser.post(f"{at}rules/new", {"starts": "8:00"}).content.decode()
    sign_in(browser, bob, fresh=False)
    return html | _get(
        browser,
        "bob",
        {
            "retire": f"{at}retire",
            "remove": f"{at}rules/{rule.pk}/remove",
            "unlock": f"/doors/tries/{charlie.pk}",
        },
    )


def test_every_page_fits_its_window_the_thumb_and_the_rules_of_axe(pages: Pages) -> None:
    faults = faults_in(pages, LOOKS)
    assert not faults, "\n".join(faults)
