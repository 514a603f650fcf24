"""What Home Assistant's templates and the blueprint make of messages.

Run in Jinja's sandbox, as it runs them, with the few names it adds; `make homeassistant` asks the real one.
"""

import contextlib
import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.conf import settings
from jinja2.sandbox import ImmutableSandboxedEnvironment

from door import discovery, jinja
from door.models import Door
from tests.nasty import NASTY

NOW = datetime(2026, 11, 23, 8, 0, 0, 250_000, tzinfo=UTC)
AT = int(NOW.timestamp())
BLUEPRINT = settings.BASE_DIR / "deploy" / "home-assistant" / "latchkey_door.yaml"
# home-assistant.io/integrations/mqtt: `<discovery_prefix>/<component>/[<node_id>/]<object_id>/config`
TOPIC = re.compile(r"homeassistant/(button|event|lock|sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config")
# What its documentation knows of each kind: first what it requires, then what of the rest is used here.
COMMON = {"name", "unique_id", "availability_topic", "qos", "origin", "device", "icon"}
KEYS = {
    "button": ({"command_topic"}, {"command_template"}),
    "event": ({"state_topic", "event_types"}, {"value_template"}),
    "lock": (
        {"command_topic"},
        {"command_template", "state_topic", "value_template", "state_locked", "state_unlocked"}
        | {"optimistic", "code_format"},
    ),
    "sensor": ({"state_topic"}, {"value_template"}),
}


def door(**more: Any) -> Door:
    values = {"slug": "front", "name": "Front door", "topic": "a/open", "state_topic": "a/state", **more}
    return Door(**values)


def told(*doors: Door) -> dict[str, dict[str, Any]]:
    """Kind of entity -> what is said of it; kinds that are taken away are left out."""
    found = {topic.split("/")[1]: payload for topic, payload in discovery.messages(doors)}
    return {kind: json.loads(payload) for kind, payload in found.items() if payload}


def rendered(template: str, at: datetime = NOW, **names: Any) -> str:
    sandbox = ImmutableSandboxedEnvironment()
    sandbox.globals["now"] = lambda: at
    sandbox.filters["to_json"] = json.dumps
    return sandbox.from_string(template).render(**names).strip()


def received(
    payload: str, /, seen: list[str] | None = None, at: datetime = NOW, **more: Any
) -> dict[str, Any]:
    """The event that a message at the door's topic fires, {} for none."""
    names: dict[str, Any] = {"value": payload, "this": {"attributes": {"nonces": seen} if seen else {}}}
    with contextlib.suppress(ValueError):  # then Home Assistant leaves the name away
        names["value_json"] = json.loads(payload)
    text = rendered(told(door(**more))["event"]["value_template"], at, **names)
    return json.loads(text) if text else {}


def message(**more: Any) -> str:
    said = {"v": 1, "door": "front", "by": "Alice", "nonce": "a" * 32, "time": AT, "deadline": AT + 5}
    return json.dumps({**said, **more})


@pytest.mark.parametrize("more", [{}, {"pin": "home"}, {"payload": "{cn}:{pin}:"}, {"retired_at": NOW}])
def test_home_assistant_is_told_what_its_documentation_knows(more: dict[str, Any]) -> None:
    assert all(TOPIC.fullmatch(topic) for topic, _ in discovery.messages([door(**more)]))
    for kind, said in told(door(**more)).items():
        required, optional = KEYS[kind]
        assert required <= set(said) <= required | optional | COMMON


def test_the_button_makes_a_message_that_the_event_lets_through_once() -> None:
    sent = rendered(told(door())["button"]["command_template"])
    assert rendered(told(door())["button"]["command_template"]) != sent  # a nonce of its own each time
    said = json.loads(sent)
    assert (said["v"], said["door"], said["time"], said["deadline"]) == (1, "front", AT, AT + 5)
    assert re.fullmatch("[0-9a-f]{32}", said["nonce"])
    fired = received(sent)
    assert (fired["event_type"], fired["nonce"], fired["state_topic"]) == (
        "pressed",
        said["nonce"],
        "a/state",
    )
    assert received(sent, fired["nonces"]) == {}


def test_a_message_is_good_until_its_deadline_and_no_longer() -> None:
    assert received(message(), at=NOW + timedelta(seconds=4))
    assert received(message(), at=NOW + timedelta(seconds=5)) == {}
    assert received(message(deadline=AT + 15))  # clocks differ
    assert received(message(deadline=AT + 600)) == {}


@pytest.mark.parametrize(
    "payload",
    [
        *("", "x", "[]", "null", "7", '"open"', "{}", '{"v":1}'),
        *(message(door="garage"), message(v=2), message(deadline="soon"), message(deadline=None)),
        *(message(nonce=7), message(nonce=None), message(nonce={})),
    ],
)
def test_what_is_none_of_ours_fires_nothing(payload: str) -> None:
    assert received(payload) == {}


def test_of_the_nonces_enough_are_remembered() -> None:
    seen = [f"{number:032}" for number in range(100)]
    nonces = received(message(), seen)["nonces"]
    assert (nonces[0], len(nonces)) == ("a" * 32, jinja.REMEMBERED)


def test_no_pin_is_shown_in_home_assistant() -> None:
    assert "280517" not in json.dumps(received(message(pin="280517"), pin="home"))
    assert received("Alice:280517:", payload="{cn}:{pin}:") == {"event_type": "unchecked"}


def test_the_lock_opens_with_the_pin_as_its_code_and_to_lock_it_says_nothing() -> None:
    template = told(door(pin="home"))["lock"]["command_template"]
    assert json.loads(rendered(template, value="UNLOCK", code="280517"))["pin"] == "280517"
    assert rendered(template, value="LOCK", code="280517") == ""
    assert "pin" not in json.loads(rendered(told(door())["lock"]["command_template"], value="UNLOCK"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        *(("locked", "LOCKED"), ("closed", "LOCKED"), ('{"state":"opened"}', "UNLOCKED")),
        *(("Unlocked", "UNLOCKED"), ("denied", "None"), ("{}", "None")),
    ],
)
def test_the_lock_shows_what_the_home_says(said: str, shown: str) -> None:
    names = {"value_json": json.loads(said)} if said.startswith("{") else {}
    assert rendered(told(door())["lock"]["value_template"], value=said, **names) == shown.replace("None", "")


@pytest.mark.parametrize("text", NASTY)
def test_what_officers_type_is_text_in_every_template(text: str) -> None:
    plain = text.encode("utf-8", "replace").decode()
    assert rendered(jinja.literal_output(plain)) == plain.strip()
    own = {"payload": plain.replace("{", "") + "|{cn}|{time}"}
    sent = rendered(told(door(**own))["button"]["command_template"])
    assert sent.endswith(f"|Home Assistant|{AT}")
    assert rendered(jinja.literal(plain).join(("{{ ", " }}"))) == plain.strip()


class _Loader(yaml.SafeLoader):
    """Knows `!input`, which Home Assistant replaces by what the person chose."""


_Loader.add_constructor("!input", lambda loader, node: f"input {loader.construct_scalar(node)}")


@pytest.fixture
def blueprint() -> dict[str, Any]:
    return dict(yaml.load(BLUEPRINT.read_text(), _Loader))


def goes_on(blueprint: dict[str, Any], before: str | None, after: str | None, at: datetime = NOW) -> bool:
    """Whether its conditions let an automation go on: the entity's state before and after, None for none."""
    attributes = {"event_type": "pressed", "deadline": AT + 5, "nonce": "a" * 32, "state_topic": "a/state"}

    def state(word: str | None) -> object:
        return None if word is None else SimpleNamespace(state=word, attributes=attributes)

    trigger = SimpleNamespace(from_state=state(before), to_state=state(after))
    for condition in blueprint["condition"]:
        if rendered(condition, at, trigger=trigger, said=attributes) != "True":
            return False
    return True


def test_the_blueprint_goes_on_for_a_press_in_time_and_for_nothing_else(blueprint: dict[str, Any]) -> None:
    assert goes_on(blueprint, "2026-11-23T07:59:59", "2026-11-23T08:00:00")
    assert goes_on(blueprint, "unknown", "2026-11-23T08:00:00")  # the first press ever
    late = NOW + timedelta(seconds=5)
    assert not goes_on(blueprint, "2026-11-23T07:59:59", "2026-11-23T08:00:00", late)
    for before, after in ((None, "x"), ("x", None), ("unavailable", "x"), ("x", "unavailable")):
        assert not goes_on(blueprint, before, after)


def test_the_blueprint_answers_with_the_nonce_and_on_the_doors_own_topic(blueprint: dict[str, Any]) -> None:
    said = {"state_topic": "a/state", "nonce": "a" * 32}
    first, second = [step["data"] for step in blueprint["action"] if step.get("service") == "mqtt.publish"]
    for data in (first, second):
        assert rendered(data["topic"], said=said) == "a/state"
    assert json.loads(rendered(first["payload"], said=said)) == {"nonce": "a" * 32, "state": "opened"}
    assert not first.get("retain")
    assert json.loads(rendered(second["payload"], said=said)) == {"state": "locked"}
