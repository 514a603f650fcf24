"""A real Home Assistant at a real broker: told of doors, made to press buttons, and watched."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from paho.mqtt.client import MQTTMessage

from door import discovery
from door.models import Door
from tests.door.broker import Mosquitto, Visitor
from tests.portal.running import free_port, wait_until

ENVIRONMENT = os.environ.get("HOME_ASSISTANT", "")  # the folder of a virtual environment; make homeassistant
BLUEPRINT = settings.BASE_DIR / "deploy" / "home-assistant" / "latchkey_door.yaml"
START, WITHIN = 40, 10  # seconds; guards, not promises
CONFIGURATION = """\
homeassistant: {name: Home, latitude: 0, longitude: 0, elevation: 0, unit_system: metric, time_zone: UTC}
http: {server_host: 127.0.0.1, server_port: %d}
mqtt_statestream: {base_topic: states, publish_attributes: true}
automation:
  - id: front
    alias: front door
    use_blueprint:
      path: latchkey/latchkey_door.yaml
      input:
        door: event.front_door_press
        closes_after: 1
        actions:
          - service: mqtt.publish
            data: {topic: tests/relay, payload: "on"}
  - id: remote
    alias: remote control of the tests
    mode: parallel
    trigger: {platform: mqtt, topic: tests/call}
    action:
      - service: "{{ trigger.payload_json.service }}"
        data: "{{ trigger.payload_json.data }}"
"""


@dataclass
class HomeAssistant:
    """`heard` is everything said at the broker, in order."""

    folder: Path
    broker: Mosquitto
    ear: Visitor
    process: subprocess.Popen[bytes] | None = None
    heard: list[MQTTMessage] = field(default_factory=list)

    def start(self) -> None:
        (self.folder / "configuration.yaml").write_text(CONFIGURATION % free_port())
        blueprints = self.folder / "blueprints" / "automation" / "latchkey"
        blueprints.mkdir(parents=True)
        shutil.copy(BLUEPRINT, blueprints)
        (self.folder / ".storage").mkdir()
        (self.folder / ".storage/core.config_entries").write_text(json.dumps(self._entries()))
        command = [f"{ENVIRONMENT}/bin/python", "-m", "homeassistant", "--config", self.folder, "--skip-pip"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def _entries(self) -> dict[str, object]:
        """What the page "Add integration: MQTT" leaves behind."""
        mqtt = {"entry_id": "0" * 32, "version": 1, "domain": "mqtt", "title": "home", "source": "user"}
        mqtt |= {"data": {"broker": "127.0.0.1", "port": self.broker.port}, "options": {}, "unique_id": None}
        mqtt |= dict.fromkeys(("pref_disable_new_entities", "pref_disable_polling"), False)
        mqtt |= {"minor_version": 1, "disabled_by": None}
        key = "core.config_entries"
        return {"version": 1, "minor_version": 1, "key": key, "data": {"entries": [mqtt]}}

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def tell(self, doors: Iterable[Door]) -> None:
        for topic, payload in discovery.messages(doors):
            self.ear.says(topic, payload, retain=True)

    def listen(self) -> list[MQTTMessage]:
        """All that was said so far."""
        self.heard += self.ear.everything()
        return self.heard

    def said(self, topic: str) -> list[str]:
        return [message.payload.decode() for message in self.listen() if message.topic == topic]

    def last(self, topic: str) -> str:
        return next(iter(reversed(self.said(topic))), "")

    def state(self, entity: str) -> str:
        return self.last(f"states/{entity.replace('.', '/')}/state")

    def call(self, service: str, **data: object) -> None:
        self.ear.says("tests/call", json.dumps({"service": service, "data": data}))

    def opened(self) -> int:
        """How often the relay was switched on."""
        return len(self.said("tests/relay"))

    def settles(self) -> int:
        """How often the relay was switched on, a moment after the last message: nothing more comes then."""
        time.sleep(0.7)
        return self.opened()

    def storage(self, name: str) -> dict[str, list[dict[str, object]]]:
        """A registry as it lies on the disk once Home Assistant has stopped."""
        found: dict[str, list[dict[str, object]]] = json.loads((self.folder / ".storage" / name).read_text())[
            "data"
        ]
        return found


@contextlib.contextmanager
def running(folder: Path, broker: Mosquitto, doors: Iterable[Door]) -> Iterator[HomeAssistant]:
    """Started, connected, and the last of the doors known."""
    ear = Visitor(broker.port, "#")
    home = HomeAssistant(folder, broker, ear)
    home.tell(doors)
    ear.says(discovery.AVAILABILITY, discovery.ONLINE, retain=True)
    home.start()
    try:
        wait_until(lambda: is_up(home), START, "Home Assistant knows the doors")
        yield home
    finally:
        home.stop()
        ear.leave()


def is_up(home: HomeAssistant) -> bool:
    assert home.process is not None and home.process.poll() is None, (home.folder / "log").read_text()
    home.call("mqtt.publish", topic="tests/started", payload="yes")  # goes once automations run
    return home.state("lock.pin_door_lock") == "unknown" and bool(home.said("tests/started"))


def log_of(home: HomeAssistant) -> str:
    log = home.folder / "home-assistant.log"
    return log.read_text() if log.exists() else ""
