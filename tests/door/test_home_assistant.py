"""A real Home Assistant finds the doors, opens them, and lets nothing late or doubled through.

Needs `make homeassistant`, which installs it; left out of `make test`: 200 MB of other people's code.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from door import discovery
from door.models import Door
from tests.door import broker as brokers
from tests.door import home_assistant
from tests.door.home_assistant import ENVIRONMENT, WITHIN, HomeAssistant, log_of
from tests.portal.running import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ENVIRONMENT, reason="make homeassistant installs it"),
]

TOPIC, STATE = "latchkey/front/open", "latchkey/front/state"
DOORS = [
    Door(slug="front", name="Front door", topic=TOPIC, state_topic=STATE),
    Door(
        slug="old",
        name="Old {{ door }} “x”",
        topic="rfid/open",
        payload="{cn}:{pin}:{{ 1 }}'\"😀",
        state_topic="rfid/state",
    ),
    Door(slug="gone", name="Gone", topic="latchkey/gone/open", state_topic="latchkey/gone/state"),
    Door(
        slug="pin", name="Pin door", topic="latchkey/pin/open", state_topic="latchkey/pin/state", pin="home"
    ),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    folder: Path = tmp_path_factory.mktemp("home-assistant")
    with brokers.running(folder) as broker, home_assistant.running(folder, broker, DOORS) as running:
        yield running


def message(nonce: str, **more: object) -> str:
    now = int(time.time())
    said = {"v": 1, "door": "front", "by": "Alice", "nonce": nonce, "time": now, "deadline": now + 5}
    return json.dumps(said | more)


def test_the_button_opens_and_the_blueprint_answers(home: HomeAssistant) -> None:
    home.call("button.press", entity_id="button.front_door_open")
    wait_until(lambda: home.opened() == 1, WITHIN, "the relay is on")
    sent = json.loads(home.last(TOPIC))
    assert (sent["v"], sent["door"], sent["by"], len(sent["nonce"])) == (1, "front", "Home Assistant", 32)
    assert sent["deadline"] - sent["time"] == 5
    wait_until(lambda: len(home.said(STATE)) == 2, WITHIN, "both answers")
    opened, locked = map(json.loads, home.said(STATE))
    assert opened == {"nonce": sent["nonce"], "state": "opened"}
    assert locked == {"state": "locked"}
    wait_until(lambda: home.state("lock.front_door_lock") == "locked", WITHIN, "the lock is shown")


def test_the_same_message_again_opens_nothing(home: HomeAssistant) -> None:
    before = home.opened()
    once = message("a" * 32)
    for _ in range(5):
        home.ear.says(TOPIC, once)
    home.ear.says(TOPIC, home.said(TOPIC)[0])  # the button's
    assert home.settles() == before + 1


def test_presses_that_follow_each_other_at_once_all_open(home: HomeAssistant) -> None:
    before = home.opened()
    for number in range(4):
        home.ear.says(TOPIC, message(f"{number:032}"))
    assert home.settles() == before + 4


def test_late_early_foreign_and_garbled_messages_open_nothing(home: HomeAssistant) -> None:
    before, now = home.opened(), int(time.time())
    bad = [
        *("", "x", "[]", "null", '"open"', "{}", '{"v":1}'),
        *(message("b" * 32, deadline=now - 1), message("b" * 32, deadline=now + 600)),
        *(message("b" * 32, deadline="soon"), message("b" * 32, door="garage"), message("b" * 32, v=2)),
        *(message("b" * 32).replace(f'"{"b" * 32}"', nonce) for nonce in ("7", "null", "{}")),
    ]
    for payload in bad:
        home.ear.says(TOPIC, payload)
    assert home.settles() == before


def test_away_and_back_is_no_press(home: HomeAssistant) -> None:
    before = home.opened()
    home.ear.says(discovery.AVAILABILITY, discovery.OFFLINE, retain=True)
    wait_until(lambda: home.state("event.front_door_press") == "unavailable", WITHIN, "away")
    home.ear.says(discovery.AVAILABILITY, discovery.ONLINE, retain=True)
    wait_until(lambda: home.state("event.front_door_press") != "unavailable", WITHIN, "back")
    assert home.settles() == before


def test_the_lock_opens_and_to_lock_it_opens_nothing(home: HomeAssistant) -> None:
    before = home.opened()
    home.call("lock.unlock", entity_id="lock.front_door_lock")
    wait_until(lambda: home.opened() == before + 1, WITHIN, "opened")
    home.call("lock.lock", entity_id="lock.front_door_lock")
    wait_until(lambda: home.last(TOPIC) == "", WITHIN, "an empty message")
    assert home.settles() == before + 1
    home.ear.says(STATE, '{"state":"unlocked"}')
    wait_until(lambda: home.state("lock.front_door_lock") == "unlocked", WITHIN, "unlocked")
    home.ear.says(STATE, "closed")
    wait_until(lambda: home.state("lock.front_door_lock") == "locked", WITHIN, "locked")


def test_the_pin_of_a_home_that_asks_for_one_is_the_locks_code(home: HomeAssistant) -> None:
    home.call("lock.unlock", entity_id="lock.pin_door_lock", code="280517")
    wait_until(lambda: '"pin"' in home.last("latchkey/pin/open"), WITHIN, "the message")
    assert json.loads(home.last("latchkey/pin/open"))["pin"] == "280517"
    told = [said.payload for said in home.listen() if said.topic.startswith("states/event")]
    assert not [payload for payload in told if b"280517" in payload]


def test_a_payload_of_ones_own_is_sent_as_it_stands_and_its_presses_are_called_unchecked(
    home: HomeAssistant,
) -> None:
    home.call("button.press", entity_id="button.old_door_x_open")
    wait_until(lambda: home.last("rfid/open") == "Home Assistant::{{ 1 }}'\"😀", WITHIN, "as it stands")
    wait_until(lambda: home.last("states/event/old_door_x_press/event_type") == '"unchecked"', WITHIN, "told")
    home.ear.says("rfid/state", "Ajar")
    wait_until(lambda: home.state("sensor.old_door_x_state") == "ajar", WITHIN, "the state")


def test_one_device_a_door_and_a_retired_one_is_gone(home: HomeAssistant) -> None:
    """Last: it reads what Home Assistant leaves behind when it stops."""
    home.tell([Door(**{"slug": "gone", "name": "Gone", "topic": "x", "retired_at": "2026-01-01"})])
    time.sleep(1)
    home.stop()
    entities = home.storage("core.entity_registry")["entities"]
    kinds = {str(entity["unique_id"]) for entity in entities if entity["platform"] == "mqtt"}
    assert kinds == {
        *(f"latchkey_front_{kind}" for kind in ("button", "event", "lock")),
        *(f"latchkey_old_{kind}" for kind in ("button", "event", "sensor")),
        *(f"latchkey_pin_{kind}" for kind in ("event", "lock")),
    }
    devices = home.storage("core.device_registry")["devices"]
    assert {str(device["name"]) for device in devices if device["manufacturer"] == "Latchkey"} == {
        "Front door",
        "Old {{ door }} “x”",
        "Pin door",
    }
    assert "ERROR" not in log_of(home)
