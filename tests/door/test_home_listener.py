"""The example for homes without Home Assistant, as it is written to home/, against a real broker."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.door import broker as brokers
from tests.door.broker import Mosquitto, Visitor, visitor
from tests.portal.running import wait_until

pytestmark = pytest.mark.slow

PROGRAM = settings.BASE_DIR / "deploy" / "mosquitto" / "door-listener.py"
WITHIN = 10


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with brokers.running(tmp_path) as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Path]:
    """The listener runs; its command adds a line to this file, and fails when the file says so."""
    marks, command = tmp_path / "opened", tmp_path / "open"
    command.write_text(f"#!/bin/sh\necho opened >> {marks}\n[ ! -e {tmp_path}/jammed ]\n")
    command.chmod(0o755)
    words = [sys.executable, PROGRAM, "front", command, "127.0.0.1", str(mosquitto.port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: "latchkey/front/open (QoS 1)" in mosquitto.log.read_text(), WITHIN, "listening")
        yield marks
        process.kill()


def message(nonce: str = "one", **more: object) -> str:
    now = int(time.time())
    return json.dumps({"v": 1, "door": "front", "nonce": nonce, "time": now, "deadline": now + 5, **more})


def answer(home: Visitor) -> tuple[str, str]:
    said = json.loads(home.next().payload)
    return said["nonce"], said["state"]


def test_it_opens_once_and_answers(opened: Path, mosquitto: Mosquitto) -> None:
    with visitor(mosquitto.port, "latchkey/front/state") as home:
        again = message("one")
        for payload in (again, again, again, message("two")):
            home.says("latchkey/front/open", payload)
        assert [answer(home), answer(home)] == [("one", "opened"), ("two", "opened")]
        assert opened.read_text().count("opened") == 2


def test_late_early_foreign_and_garbled_messages_open_nothing(opened: Path, mosquitto: Mosquitto) -> None:
    now = int(time.time())
    bad = [
        *("", "x", "[]", "null", '"open"', "{}", '{"nonce":"a"}', "\x00\xff"),
        *(message(deadline=now - 1), message(deadline=now + 3600), message(deadline="soon")),
        *(message(door="garage"), message(v=2), message(deadline=float("nan"))),
    ]
    with visitor(mosquitto.port, "latchkey/front/state") as home:
        for payload in bad:
            home.says("latchkey/front/open", payload)
        home.says("latchkey/front/open", message("last"))
        assert answer(home) == ("last", "opened")
    assert opened.read_text().count("opened") == 1


@pytest.fixture
def lying(mosquitto: Mosquitto) -> None:
    """A retained message that is still in time, before the listener starts."""
    with visitor(mosquitto.port) as somebody:
        somebody.says("latchkey/front/open", message("old", deadline=int(time.time()) + 50), retain=True)


def test_what_lay_there_before_it_came_opens_nothing(lying: None, opened: Path, mosquitto: Mosquitto) -> None:
    with visitor(mosquitto.port, "latchkey/front/state") as home:
        home.says("latchkey/front/open", message("new"))
        assert answer(home) == ("new", "opened")
    assert opened.read_text().count("opened") == 1


def test_a_door_that_does_not_open_is_said_to_be_so(opened: Path, mosquitto: Mosquitto) -> None:
    (opened.parent / "jammed").touch()
    with visitor(mosquitto.port, "latchkey/front/state") as home:
        home.says("latchkey/front/open", message())
        assert answer(home) == ("one", "denied")
