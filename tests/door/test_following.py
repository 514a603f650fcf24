"""What the door listens to and announces changes with the doors; and brokers that are none."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from door import connection, following, link, mqtt, states
from door.models import Door, Outcome
from door.press import press
from door.transport import HomeSilent
from tests.door.broker import Mosquitto, Visitor, visitor
from tests.door.conftest import holder_for, make_door
from tests.door.test_mqtt import WITHIN, connected, message, mosquitto, plain, publish
from tests.portal.running import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

__all__ = ["connected", "mosquitto"]  # fixtures


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "EVERY", 0.1)
    states.forget()


def test_doors_are_listened_to_as_they_come_change_and_go(connected: Mosquitto) -> None:
    with visitor(connected.port) as home:
        front = make_door("front", state_topic="front/state")
        say_until(home, "front/state", "closed", lambda: states.present(front) is not None)
        Door.objects.update(state_topic="front/moved")
        front.refresh_from_db()
        say_until(home, "front/moved", "locked", lambda: states.present(front) is not None)
        Door.objects.update(retired_at=timezone.now())
        log = connected.log
        wait_until(lambda: "UNSUBSCRIBE" in log.read_text().partition("front/moved")[2], WITHIN, "left alone")


def say_until(home: Visitor, topic: str, word: str, heard: Callable[[], bool]) -> None:
    """The door has no obligation to listen at once."""
    deadline = time.monotonic() + WITHIN
    while not heard():
        assert time.monotonic() < deadline
        home.says(topic, word)
        time.sleep(0.05)


def test_a_retained_state_is_known_as_soon_as_the_door_is_connected(
    mosquitto: Mosquitto, settings: Settings
) -> None:
    front = make_door("front", state_topic="front/state")
    with visitor(mosquitto.port) as home:
        home.says("front/state", '{"state": "locked"}', retain=True)
    settings.BROKER = plain(mosquitto.port)
    mqtt.start()
    try:
        wait_until(lambda: states.present(front) is not None, WITHIN, "it is heard of")
        assert states.present(front).word == "locked"
        mosquitto.stop()
        wait_until(lambda: states.present(front) is None, WITHIN, "what was known is known no more")
    finally:
        mqtt.stop()


def test_a_press_is_opened_when_the_home_says_so(connected: Mosquitto, alice: User) -> None:
    front = make_door("front", topic="front/open", state_topic="front/state", pin="none")
    holder = holder_for(alice)
    with visitor(connected.port, "front/open") as home:
        say_until(home, "front/state", "closed", lambda: states.present(front) is not None)
        made = press(holder, front.slug, pin="", token=holder.certificate.id, address="192.0.2.1")
        assert made.outcome == Outcome.RECEIVED
        nonce = json.loads(home.next().payload)["nonce"]
        home.says("front/state", json.dumps({"nonce": nonce, "state": "opened"}))
        wait_until(lambda: refreshed(made).outcome == Outcome.OPENED, WITHIN, "opened")


def refreshed(made: object) -> object:
    made.refresh_from_db()
    return made


def test_home_assistant_is_told_of_doors_as_they_come_and_go(connected: Mosquitto) -> None:
    with visitor(connected.port, "homeassistant/#") as home:
        door = make_door("front", topic="front/open")
        config = home.until(lambda m: m.topic.startswith("homeassistant/button/"))
        assert json.loads(config.payload)["command_topic"] == "front/open"
        with visitor(connected.port, "homeassistant/button/#") as later:  # as one that was restarted
            assert (later.next().payload, later.everything()) == (config.payload, [])
        Door.objects.filter(pk=door.pk).update(topic="front/moved")
        config = home.until(lambda m: b"front/moved" in m.payload)
        Door.objects.filter(pk=door.pk).update(retired_at=timezone.now())
        assert home.until(lambda m: m.topic == config.topic).payload == b""
    wait_until(lambda: retained(connected) == [], WITHIN, "all that a door has there")


def retained(broker: Mosquitto) -> list[object]:
    with visitor(broker.port, "homeassistant/#") as later:
        return list(later.everything())


def test_a_large_message_is_not_even_sent_to_us(connected: Mosquitto, alice: User) -> None:
    front = make_door("front", state_topic="front/state")
    with visitor(connected.port) as home:
        say_until(home, "front/state", "closed", lambda: states.present(front) is not None)
        home.says("front/state", b"opened" + b" " * 20_000)
        home.says("front/state", b"locked")
        wait_until(lambda: states.present(front).word == "locked", WITHIN, "the next one")
        assert link.read().connected


@contextlib.contextmanager
def no_broker(answer: bytes | None) -> Iterator[int]:
    """Something that accepts connections, and says `answer` to each; None: nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])
                    if answer is not None:
                        kept[-1].sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    for plug in kept:
        plug.close()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\xff\xff\xff\xff\xff",
        b"\x20\x03\x00\x00\x00" + b"\x30\x05\x00\xff\xff\xff\xff",  # welcome, and then a broken PUBLISH
        b"\x20\x03\x00\x87\x00",  # not authorized
        bytes(64),
    ],
    ids=["silent", "web", "long", "broken", "refusing", "zeros"],
)
def test_what_is_no_broker_opens_nothing_and_breaks_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    monkeypatch.setattr(connection, "CONNECT_WITHIN", 0.5)
    link.note(False, "not yet")
    with no_broker(answer) as port:
        settings.BROKER = plain(port)
        mqtt.start()
        try:
            with pytest.raises(HomeSilent, match="Nothing will open later"):
                publish(message())
            wait_until(lambda: link.read().word != "not yet", WITHIN, "something is noted")
            threads = [thread.name for thread in threading.enumerate()]
            assert {"mqtt keeper", "mqtt follower"} <= set(threads)
        finally:
            mqtt.stop()
    wait_until(
        lambda: not [t for t in threading.enumerate() if t.name == "mqtt"], WITHIN, "no thread is left"
    )


def test_what_fails_at_every_message_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(states, "heard", fail)
    follower = following.Follower()
    for _ in range(20):
        follower.hear("front/state", b"opened", False)
        follower._turn()
    assert caplog.text.count("following the doors failed") == 1
