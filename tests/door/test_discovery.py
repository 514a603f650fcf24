"""What Home Assistant is told of the doors. `make homeassistant` shows that it understands."""

import json
from datetime import UTC, datetime

import pytest

from door import discovery, jinja
from door.models import Door, PinUse


def told(**more: object) -> dict[str, dict[str, object] | None]:
    """Kind of entity -> what is announced; None for what is taken away."""
    fields = {"slug": "front", "name": "Front door", "topic": "a/open", "state_topic": "a/state"}
    found = discovery.messages([Door(**(fields | more))])
    for topic, payload in found:
        assert topic.startswith("homeassistant/") and topic.endswith("/latchkey/front/config")
        assert len(payload) < 16_000  # max_packet_size in deploy/mosquitto/portal.conf
    return {topic.split("/")[1]: json.loads(payload) if payload else None for topic, payload in found}


def kinds(**more: object) -> set[str]:
    return {kind for kind, entity in told(**more).items() if entity}


def test_a_door_of_ours_is_a_button_an_event_and_a_lock() -> None:
    assert kinds() == {"button", "event", "lock"}
    assert kinds(state_topic="") == {"button", "event"}


def test_a_payload_of_ones_own_cannot_be_a_lock_nor_be_checked() -> None:
    found = told(payload="{cn}:{pin}:")
    assert {kind for kind, entity in found.items() if entity} == {"button", "event", "sensor"}
    assert found["event"] and found["event"]["event_types"] == ["unchecked"]


def test_where_the_home_asks_for_a_pin_there_is_no_button() -> None:
    assert kinds(pin=PinUse.HOME) == {"event", "lock"}


@pytest.mark.parametrize("more", [{"retired_at": datetime.now(UTC)}, {"practice": True}, {"topic": ""}])
def test_retired_and_practice_doors_are_taken_away(more: dict[str, object]) -> None:
    assert told(**more) == dict.fromkeys(("button", "event", "lock", "sensor"))


def test_all_entities_of_a_door_are_parts_of_one_device_and_say_when_it_can_be_reached() -> None:
    entities = [entity for entity in told().values() if entity]
    assert {json.dumps(entity["device"]) for entity in entities} == {json.dumps(entities[0]["device"])}
    assert {entity["availability_topic"] for entity in entities} == {discovery.AVAILABILITY}
    assert len({entity["unique_id"] for entity in entities}) == 3
    assert all(entity["origin"] and not entity.get("retain") for entity in entities)


@pytest.mark.parametrize("text", ["'", "\\", "it's {{ 1 }} {% x %}", "a\nb", "Tür 😀", "\\'"])
def test_a_literal_ends_nowhere_early(text: str) -> None:
    literal = jinja.literal(text)
    assert literal[0] == literal[-1] == "'" and "'" not in literal[1:-1] and literal.isascii()
    assert literal[1:-1].encode().decode("unicode_escape") == text
