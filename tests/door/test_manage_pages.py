"""Officers and their doors, on pages: what was typed is kept, and errors say how to mend it."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from door import groups
from door.models import Door, Group, PinUse, Rule
from tests.door.acts import let, make_door, practice_door
from tests.nasty import NASTY

SignIn = Callable[..., Client]

DOOR = {
    **{
        "name": "Front door",
        "picture": "gate",
        "colour": "blue",
        "pin": "here",
        "topic": "",
        "message": "ours",
    },
    **{"state_topic": "", "presses_per_hour": "20", "valid_seconds": "5", "position": "100"},
}
RULE = {"who": "everybody", "when": "every"}


def test_an_officer_makes_a_door_adds_a_rule_and_it_opens(
    browser: Client, sign_in: SignIn, alice: User, bob: User
) -> None:
    sign_in(browser, bob)
    answer = browser.post("/doors/new", DOOR, follow=True)
    page = answer.content.decode()
    assert "until then nobody may" in page and "latchkey/front-door/open" in page
    assert "&quot;deadline&quot;" in page  # the example
    rule = {
        "who": f"person:{alice.pk}",
        "when": "some",
        "days": ["0", "4"],
        "starts": "22:00",
        "ends": "6:00",
    }
    page = browser.post("/doors/front-door/rules/new", rule, follow=True).content.decode()
    assert "Alice (alice), Mon and Fri 22:00 to 6:00 the next day" in page
    sign_in(browser, alice)
    assert "Front door" in browser.get("/doors/").content.decode()


def test_every_change_wants_a_fresh_code_and_keeps_what_was_typed(
    browser: Client, sign_in: SignIn, alice: User, bob: User
) -> None:
    door = make_door(bob)
    rule, group = let(alice, door), groups.create("Family", [], by=bob)
    sign_in(browser, bob, fresh=False)
    before = AuditEvent.objects.count()
    at = f"/doors/{door.slug}/"
    posts = {
        **{
            "/doors/new": DOOR,
            f"{at}edit": {**DOOR, "topic": "a"},
            f"{at}retire": {},
            f"{at}rules/new": RULE,
        },
        **{f"{at}rules/{rule.pk}": RULE, f"{at}rules/{rule.pk}/remove": {}},
        **{"/doors/groups/new": {"name": "Cleaners"}, f"/doors/groups/{group.pk}": {"name": "Kin"}},
        **{f"/doors/groups/{group.pk}/remove": {}, f"/doors/tries/{alice.pk}": {}},
    }
    for path, typed in posts.items():
        answer = browser.post(path, typed)
        assert answer.status_code == 422, path
        assert "Type the six digits that your app shows now" in answer.content.decode(), path
        if "name" in typed:
            assert f'value="{typed["name"]}"' in answer.content.decode()
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Give the door a name"),
        ({"name": "a\u202eb"}, "202E"),
        ({"topic": "lamp/#"}, "stand for many topics"),
        ({"topic": "$SYS/x"}, "not with $ or /"),
        ({"topic": "latchkey/gate/open"}, "Gate uses this topic already"),
        ({"topic": "a", "state_topic": "a"}, "cannot answer where it is asked"),
        ({"message": "own"}, "Write what the home expects"),
        ({"message": "own", "template": "{pins}"}, "is not known here"),
        ({"message": "own", "template": "{cn}:{pin}:"}, "Leave {pin} out"),
        ({"valid_seconds": "31"}, "from 2 to 30"),
        ({"valid_seconds": "soon"}, "from 2 to 30"),
        ({"presses_per_hour": ""}, "from 1 to 1000"),
        ({"served_by": "latchkey-door"}, "own certificate"),
        ({"picture": "castle"}, "castle is not one of the available choices"),
    ],
)
def test_a_door_that_will_not_do_is_refused_with_the_way_out(
    typed: dict[str, str], sentence: str, browser: Client, sign_in: SignIn, bob: User
) -> None:
    make_door(bob, "Gate")
    sign_in(browser, bob)
    answer = browser.post("/doors/new", {**DOOR, **typed})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Door.objects.filter(slug="front-door").exists()


def test_a_template_of_ones_own_comes_with_its_caution(browser: Client, sign_in: SignIn, bob: User) -> None:
    sign_in(browser, bob)
    typed = {**DOOR, "pin": "home", "message": "own", "template": "{cn}:{pin}:", "topic": "rfid/door1/open"}
    page = browser.post("/doors/new", typed, follow=True).content.decode()
    assert "Bob Phone:314159:" in page and "No protection against replay" in page
    back = {**typed, "message": "ours"}
    browser.post("/doors/front-door/edit", back)
    assert Door.objects.get(slug="front-door").payload == ""


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"who": ""}, "Choose who may open this door"),
        ({"who": "person:nonsense"}, "not one of the available choices"),
        ({"when": "some"}, "Choose at least one day"),
        ({"when": "some", "days": ["7"]}, "not one of the available choices"),
        ({"starts": "8:00"}, "Type both times"),
        ({"starts": "25:00", "ends": "8:00"}, "Type hours and minutes"),
        ({"starts": "8:00", "ends": "8:00"}, "The two times are the same"),
        ({"last_day": "2020-01-01"}, "This day is over"),
        ({"last_day": "yesterday"}, "year-month-day"),
        ({"last_day": "9999-12-31"}, "Look at the year"),
        ({"first_day": "2031-01-02", "last_day": "2031-01-01"}, "comes before the first"),
    ],
)
def test_a_rule_that_will_not_do_is_refused_with_the_way_out(
    typed: dict[str, Any], sentence: str, browser: Client, sign_in: SignIn, bob: User
) -> None:
    door = make_door(bob)
    sign_in(browser, bob)
    answer = browser.post(f"/doors/{door.slug}/rules/new", {**RULE, **typed})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not door.rules.exists()


def test_a_rule_is_shown_as_it_was_made_and_changed(browser: Client, sign_in: SignIn, bob: User) -> None:
    door = make_door(bob)
    group = groups.create("Family", [], by=bob)
    rule = door.rules.create(group=group, weekdays=0b0000101, starts=time(8), ends=time(17, 30))
    sign_in(browser, bob)
    page = browser.get(f"/doors/{door.slug}/rules/{rule.pk}").content.decode()
    assert 'value="08:00"' in page and 'value="17:30"' in page and page.count(" checked") == 3
    browser.post(f"/doors/{door.slug}/rules/{rule.pk}", RULE)
    rule.refresh_from_db()
    assert (rule.group, rule.weekdays, rule.starts) == (None, Rule.EVERY_DAY, None)


def test_a_rule_for_somebody_who_left_can_still_be_changed(
    browser: Client, sign_in: SignIn, alice: User, bob: User
) -> None:
    door = make_door(bob)
    rule = let(alice, door)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    at = f"/doors/{door.slug}/rules/{rule.pk}"
    sign_in(browser, bob)
    assert f'<option value="person:{alice.pk}" selected>' in browser.get(at).content.decode()
    assert browser.post(at, {**RULE, "who": f"person:{alice.pk}"}).status_code == 302


def test_the_first_page_says_where_doors_open_and_what_it_takes(
    browser: Client, sign_in: SignIn, alice: User, settings: Settings
) -> None:
    page = sign_in(browser, alice).get("/").content.decode()
    assert f'<a href="{settings.DOOR_URL}">' in page and "one of this household’s certificates" in page


def test_an_address_proposes_a_guest_and_nonsense_in_it_is_passed_over(
    browser: Client, sign_in: SignIn, alice: User, bob: User
) -> None:
    door = make_door(bob)
    sign_in(browser, bob)
    at = f"/doors/{door.slug}/rules/new"
    page = browser.get(f"{at}?person={alice.pk}&last_day=2031-01-01").content.decode()
    assert f'<option value="person:{alice.pk}" selected>' in page and 'value="2031-01-01"' in page
    assert browser.get(f"{at}?person=%00&last_day=9999999-1-1").status_code == 200


def test_the_practice_door_can_be_changed_and_retired_and_has_no_topic(
    browser: Client, sign_in: SignIn, bob: User
) -> None:
    door = practice_door()
    sign_in(browser, bob)
    assert 'name="topic"' not in browser.get("/doors/practice/edit").content.decode()
    assert browser.post("/doors/practice/edit", {**DOOR, "name": "Try me"}).status_code == 302
    door.refresh_from_db()
    assert (door.name, door.topic, door.pin) == ("Try me", "", PinUse.HERE)
    assert browser.post("/doors/practice/retire").status_code == 302
    assert browser.get("/doors/practice/").status_code == 404
    assert "Try me" in browser.get("/doors/").content.decode()  # among the retired ones


def test_a_group_page_says_what_goes_with_it(
    browser: Client, sign_in: SignIn, alice: User, bob: User
) -> None:
    door = make_door(bob)
    sign_in(browser, bob)
    browser.post("/doors/groups/new", {"name": "Family", "members": [str(alice.pk)]})
    family = Group.objects.get()
    assert list(family.members.all()) == [alice]
    door.rules.create(group=family)
    page = browser.get(f"/doors/groups/{family.pk}/remove").content.decode()
    assert "Front door: Group Family, every day at any time" in page
    answer = browser.post("/doors/groups/new", {"name": "FAMILY"})
    assert answer.status_code == 422 and "already" in answer.content.decode()
    assert browser.post(f"/doors/groups/{family.pk}/remove").status_code == 302
    assert not door.rules.exists()


def test_a_member_who_left_the_household_stays_on_the_page_until_unticked(
    browser: Client, sign_in: SignIn, alice: User, bob: User
) -> None:
    family = groups.create("Family", [alice], by=bob)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    sign_in(browser, bob)
    assert str(alice.pk) in browser.get(f"/doors/groups/{family.pk}").content.decode()
    assert str(alice.pk) not in browser.get("/doors/groups/new").content.decode()


@pytest.mark.slow
@pytest.mark.parametrize("field", ["name", "topic", "template", "served_by"])
def test_nasty_text_in_a_door_is_stored_clean_or_refused(
    field: str, browser: Client, sign_in: SignIn, bob: User
) -> None:
    sign_in(browser, bob)
    for text in NASTY:
        sent = text.encode("utf-8", "replace").decode()
        answer = browser.post("/doors/new", {**DOOR, "message": "own", "template": "{cn}", field: sent})
        assert answer.status_code in (302, 422), ascii(text)
        assert "<script>alert" not in answer.content.decode() and "<img src=x" not in answer.content.decode()
        for door in Door.objects.exclude(practice=True):
            kept = (door.name, door.topic, door.state_topic, door.payload, door.served_by, door.slug)
            assert all(value.isprintable() for value in kept), ascii(text)
            assert browser.get(f"/doors/{door.slug}/").status_code == 200
        Door.objects.exclude(practice=True).delete()
