"""What officers are told about the door."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from door import link
from pki import authorities, crl
from portal import health, metering, presence
from portal.health import Fact


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    """Where the locks and the notes lie."""
    settings.WEB_DIR = tmp_path


@pytest.fixture
def listening() -> Iterator[None]:
    mark = presence.take("door")
    yield
    mark.close()


def fact(title: str) -> Fact:
    (found,) = [found for found in health.door() if found.title == title]
    return found


def test_a_door_that_does_not_run_is_told_from_one_that_does() -> None:
    for _ in range(2):  # who asks leaves nothing behind that looks like a door
        assert (fact("Door").well, fact("Door").word) == (False, "Down")
    first, second = presence.take("door"), presence.take("door")  # one still ends, the next is there
    first.close()
    assert presence.is_there("door")
    second.close()
    assert not presence.is_there("door")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_with_its_list_it_is_well_and_without_it_refuses_everybody(
    listening: None, signer: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.PUBLIC_DIR = tmp_path / "public"
    assert fact("Door").sentence.startswith("The door refuses everybody: clients")
    authorities.publish_certificates()
    assert fact("Door").sentence.startswith("The door refuses everybody: clients.crl cannot be read")
    assert any(said.startswith("Door: The door refuses") for said in health.problems_at_a_glance())
    assert "latchkey_door_up 0\n" in metering.text()
    crl.publish("clients")
    assert (fact("Door").well, fact("Door").word) == (True, "Listens")
    assert settings.DOOR_URL in fact("Door").sentence
    assert "latchkey_door_up 1\n" in metering.text()


def test_without_a_broker_nothing_is_wrong(settings: Settings) -> None:
    settings.BROKER = None
    assert (fact("Broker").well, fact("Broker").word) == (True, "Not set up")


def test_the_connection_to_the_broker_is_a_fact_of_its_own(settings: Settings) -> None:
    settings.BROKER = {"host": "mqtt.home.arpa", "port": 8883, "tls": True, "user": "", "password": ""}
    assert (fact("Broker").well, fact("Broker").word) == (False, "Away")
    link.note(True, "Connected to mqtt.home.arpa.")
    assert (fact("Broker").well, fact("Broker").sentence) == (True, "Connected to mqtt.home.arpa.")
    assert fact("Broker").moment is not None


def test_messages_in_the_open_are_a_warning(settings: Settings) -> None:
    settings.BROKER = {"host": "192.168.1.9", "port": 1883, "tls": False, "user": "", "password": ""}
    found = [found for found in health.door() if found.word == "In the open"]
    assert len(found) == 1 and "mqtts://" in found[0].sentence
