"""Officers and their doors: what is refused, and what is written down."""

from datetime import date, time
from typing import Any

import pytest

from accounts.errors import Refused
from accounts.models import User
from audit.models import AuditEvent
from door import groups, manage, policy
from door.models import Rule
from tests.door.acts import let, make_door


def last(action: str) -> AuditEvent:
    return AuditEvent.objects.filter(action=action).latest("sequence")


def test_a_new_door_has_topics_made_from_its_name_and_opens_for_nobody(bob: User) -> None:
    door = make_door(bob, "Haustür im Hof")
    assert (door.slug, door.topic) == ("haustuer-im-hof", "latchkey/haustuer-im-hof/open")
    assert door.state_topic == "latchkey/haustuer-im-hof/state"
    assert not door.rules.exists()
    event = last("door.created")
    assert (event.actor, event.target, event.detail["topic"]) == ("bob", door.slug, door.topic)


@pytest.mark.parametrize("name", ["New", "pin", "History", "Groups", "Tries", "张伟", "!?", "a" * 60])
def test_every_name_gets_an_address_of_its_own(name: str, bob: User) -> None:
    slugs = [make_door(bob, name).slug for _ in range(3)]
    assert len(set(slugs)) == 3 and not set(slugs) & {"new", "pin", "history", "groups", "tries"}
    assert all(len(slug) <= 40 for slug in slugs)


def test_the_address_stays_when_the_name_changes(bob: User) -> None:
    door = make_door(bob)
    manage.change(door, {"name": "Back door", "presses_per_hour": 3}, by=bob)
    door.refresh_from_db()
    assert (door.slug, door.name, door.topic) == ("front-door", "Back door", "latchkey/front-door/open")
    assert last("door.changed").detail == {
        "name": {"before": "Front door", "after": "Back door"},
        "presses_per_hour": {"before": 20, "after": 3},
    }


def test_a_change_of_nothing_is_not_written_down(bob: User) -> None:
    door = make_door(bob)
    manage.change(door, {"name": door.name}, by=bob)
    assert not AuditEvent.objects.filter(action="door.changed").exists()


@pytest.mark.parametrize("field", ["topic", "state_topic"])
@pytest.mark.parametrize("taken", ["latchkey/front-door/open", "latchkey/front-door/state"])
def test_no_two_doors_share_a_topic(field: str, taken: str, bob: User) -> None:
    make_door(bob)
    with pytest.raises(Refused, match="Front door uses"):
        make_door(bob, "Gate", **{field: taken})
    gate = make_door(bob, "Gate")
    with pytest.raises(Refused, match="Front door uses"):
        manage.change(gate, {field: taken}, by=bob)


def test_a_door_does_not_hear_its_own_command(bob: User) -> None:
    with pytest.raises(Refused, match="another topic"):
        make_door(bob, topic="a/b", state_topic="a/b")


def test_a_retired_door_is_gone_for_good_and_frees_its_topic(alice: User, bob: User) -> None:
    door = make_door(bob)
    rule = let(alice, door)
    manage.retire(door, by=bob)
    assert door not in [found.door for found in policy.openings(alice, door_time())]
    for verb in (
        lambda: manage.change(door, {"name": "x"}, by=bob),
        lambda: manage.retire(door, by=bob),
        lambda: manage.add_rule(door, {}, by=bob),
        lambda: manage.remove_rule(rule, by=bob),
    ):
        with pytest.raises(Refused, match="retired"):
            verb()
    again = make_door(bob, topic=door.topic)
    assert (again.slug, again.topic) == ("front-door-2", "latchkey/front-door/open")


def door_time() -> Any:
    return policy.moment(date(2026, 11, 23), time(12), policy.zone())


def test_only_officers_change_anything(alice: User, erin: User, dora: User, bob: User) -> None:
    door = make_door(bob)
    rule = let(alice, door)
    for by in (alice, erin, dora):
        for verb in (
            lambda by: make_door(by, "Gate"),
            lambda by: manage.change(door, {"name": "x"}, by=by),
            lambda by: manage.retire(door, by=by),
            lambda by: manage.add_rule(door, {}, by=by),
            lambda by: manage.change_rule(rule, {}, by=by),
            lambda by: manage.remove_rule(rule, by=by),
            lambda by: groups.create("Family", [], by=by),
        ):
            with pytest.raises(Refused, match="Only officers"):
                verb(by)


def test_rules_are_written_down_in_words(alice: User, bob: User) -> None:
    door = make_door(bob)
    rule = manage.add_rule(door, {"person": alice, "starts": time(8), "ends": time(17)}, by=bob)
    assert last("door.rule.added").detail["rule"] == "Alice (alice), every day 8:00 to 17:00"
    manage.change_rule(rule, {"last_day": date(2030, 1, 1)}, by=bob)
    assert last("door.rule.changed").detail["before"] == "Alice (alice), every day 8:00 to 17:00"
    assert last("door.rule.changed").detail["after"].endswith("until 1 January 2030")
    manage.remove_rule(rule, by=bob)
    assert last("door.rule.removed").detail["rule"].endswith("until 1 January 2030")
    with pytest.raises(Refused, match="in the meantime"):
        manage.remove_rule(Rule(pk=rule.pk, door=door), by=bob)


def test_a_group_that_goes_takes_its_rules_along(alice: User, bob: User) -> None:
    door = make_door(bob)
    family = groups.create("Family", [alice, bob], by=bob)
    door.rules.create(group=family)
    with pytest.raises(Refused, match="already"):
        groups.create("family", [], by=bob)
    groups.change(family, "The family", [alice], by=bob)
    assert last("door.group.changed").detail["left"] == ["bob"]
    family.refresh_from_db()
    groups.remove(family, by=bob)
    assert not door.rules.exists()
    assert last("door.group.removed").detail["rules"] == [
        "Front door: Group The family, every day at any time"
    ]
