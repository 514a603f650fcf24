"""The door and a real Mosquitto: what goes out, what is heard, and what must never go out late."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from door import link, mqtt, transport
from door.discovery import AVAILABILITY
from door.payload import check_topic
from door.transport import HomeSilent, Message
from tests.door import broker as brokers
from tests.door.broker import Mosquitto, visitor
from tests.portal.running import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WITHIN = 10  # seconds; a guard, not a promise
TOPIC = "home/front/open"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with brokers.running(tmp_path) as running:
        yield running


@pytest.fixture
def connected(mosquitto: Mosquitto, settings: Settings) -> Iterator[Mosquitto]:
    """The door at this broker."""
    settings.BROKER = plain(mosquitto.port)
    mqtt.start()
    wait_until(lambda: link.read().connected, WITHIN, "connected")
    yield mosquitto
    mqtt.stop()


def plain(port: int) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": port, "tls": False, "user": "", "password": ""}


def message(number: int = 0, *, expires: int = 5) -> Message:
    """Its payload holds a deadline, as door/payload.py writes it."""
    payload = {"nonce": str(number), "deadline": time.time() + expires}
    return Message(TOPIC, json.dumps(payload).encode(), expires)


def publish(what: Message) -> None:
    transport.current().publish(what)


def test_a_press_is_heard_with_its_expiry_and_never_retained(connected: Mosquitto) -> None:
    with visitor(connected.port, "home/#") as home:
        publish(message(7))
        heard = home.next()
        assert (heard.topic, heard.qos, heard.retain) == (TOPIC, 1, False)
        assert json.loads(heard.payload)["nonce"] == "7"
        assert 1 <= heard.properties.MessageExpiryInterval <= 5
    with visitor(connected.port, "home/#") as late:
        assert late.everything() == []


def test_eight_at_once_are_eight_messages(connected: Mosquitto) -> None:
    with visitor(connected.port, "home/#") as home, ThreadPoolExecutor(8) as people:
        list(people.map(publish, map(message, range(8))))
        assert {json.loads(home.next().payload)["nonce"] for _ in range(8)} == set("01234567")


def test_a_press_that_nobody_listens_to_says_so(connected: Mosquitto) -> None:
    with pytest.raises(HomeSilent, match="Nobody at home listens"):
        publish(message())


def test_what_was_pressed_while_the_broker_was_away_is_never_delivered(connected: Mosquitto) -> None:
    connected.stop()
    began = time.monotonic()
    with pytest.raises(HomeSilent, match="Nothing will open later"):
        publish(message(1))
    assert time.monotonic() - began < WITHIN
    connected.start()
    with visitor(connected.port, "home/#") as home:
        wait_until(lambda: published(message(2)), WITHIN, "the door is back")
        assert [json.loads(m.payload)["nonce"] for m in home.everything()] == ["2"]


def published(what: Message) -> bool:
    try:
        publish(what)
    except HomeSilent:
        return False
    return True


def test_a_broker_that_hangs_delivers_nothing_that_is_still_in_time(connected: Mosquitto) -> None:
    """It read the message already, so on waking it may hand it on: its deadline is over by then."""
    with visitor(connected.port, "home/#") as home:
        publish(message(1))
        home.next()
        connected.signal(signal.SIGSTOP)
        with pytest.raises(HomeSilent, match="does not answer"):
            publish(message(2, expires=2))
        with pytest.raises(HomeSilent):  # nor on the next connection, which the kernel accepts for it
            publish(message(3, expires=2))
        connected.signal(signal.SIGCONT)
        wait_until(lambda: published(message(4)), 2 * WITHIN, "the door is back")
        late = [json.loads(m.payload) for m in home.everything()]
        late = [m for m in late if m["nonce"] != "4"]
        assert len(late) <= 1
        assert all(m["nonce"] == "2" and m["deadline"] < time.time() for m in late)


def test_the_door_starts_without_its_broker_and_finds_it_later(
    mosquitto: Mosquitto, settings: Settings
) -> None:
    settings.BROKER = plain(mosquitto.port)
    mosquitto.stop()
    mqtt.start()
    try:
        wait_until(lambda: "No broker listens" in link.read().word, WITHIN, "it says so")
        mosquitto.start()
        wait_until(lambda: link.read().connected, 2 * WITHIN, "connected")
    finally:
        mqtt.stop()
    assert link.read().word == "The door has stopped."


def test_who_watches_hears_when_the_door_comes_and_goes(mosquitto: Mosquitto, settings: Settings) -> None:
    settings.BROKER = plain(mosquitto.port)
    with visitor(mosquitto.port, AVAILABILITY) as home:
        mqtt.start()
        try:
            assert home.next().payload == b"online"
            home.says(AVAILABILITY, "offline", retain=True)  # as the will of a connection that broke earlier
            assert (home.next().payload, home.next().payload) == (b"offline", b"online")
        finally:
            mqtt.stop()
        assert home.next().payload == b"offline"


def test_a_password_that_the_broker_does_not_know_is_said_on_the_status_page(
    tmp_path: Path, settings: Settings
) -> None:
    with brokers.running(tmp_path, "allow_anonymous false\n") as running:
        settings.BROKER = plain(running.port) | {"user": "door", "password": "wrong"}
        mqtt.start()
        try:
            wait_until(lambda: "refuses us: Not authorized" in link.read().word, WITHIN, "it says so")
        finally:
            mqtt.stop()


def test_a_topic_that_the_broker_forbids_is_said(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "acl").write_text("topic readwrite latchkey/#\n")
    with brokers.running(tmp_path, f"allow_anonymous true\nacl_file {tmp_path}/acl\n") as running:
        settings.BROKER = plain(running.port)
        mqtt.start()
        try:
            with pytest.raises(HomeSilent, match="The broker refused it: Not authorized"):
                publish(message())
        finally:
            mqtt.stop()


def test_every_restart_of_the_broker_is_survived(connected: Mosquitto) -> None:
    for _ in range(3):
        connected.stop()
        connected.start()
        with visitor(connected.port, "home/#") as home:
            wait_until(lambda: published(message()), WITHIN, "the door is back")
            assert home.next().topic == TOPIC


def test_topics_arrive_as_they_are_or_not_at_all(connected: Mosquitto) -> None:
    with visitor(connected.port, "#") as everybody:

        @hypothesis_settings(
            max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
        )
        @given(topic=st.text(min_size=1, max_size=40), payload=st.binary(max_size=200))
        def each(topic: str, payload: bytes) -> None:
            try:
                check_topic(topic)
            except ValueError:
                with pytest.raises(HomeSilent, match="can be published to"):
                    publish(Message(topic, payload, 5))
                return
            publish(Message(topic, payload, 5))
            heard = everybody.until(lambda m: not m.topic.startswith("latchkey/"))
            assert (heard.topic, heard.payload) == (topic, payload)

        each()
