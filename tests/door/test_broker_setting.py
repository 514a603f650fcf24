"""LATCHKEY_MQTT_URL: what it may say, and what is said about the rest."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from door import link
from portal import server_addresses

NAME = "LATCHKEY_MQTT_URL"


def read(text: str) -> dict[str, object] | None:
    return server_addresses.broker(NAME, text)


@pytest.mark.parametrize(
    ("text", "host", "port", "tls", "account"),
    [
        ("mqtts://broker.home.arpa", "broker.home.arpa", 8883, True, ("", "")),
        ("mqtts://broker.home.arpa:8884/", "broker.home.arpa", 8884, True, ("", "")),
        ("MQTTS://Broker.Home.Arpa", "broker.home.arpa", 8883, True, ("", "")),
        ("mqtts://[fd00::1]:8884", "fd00::1", 8884, True, ("", "")),
        ("mqtt://127.0.0.1", "127.0.0.1", 1883, False, ("", "")),
        ("mqtt://door:p%40ss%2Fword%25@127.0.0.1:1884", "127.0.0.1", 1884, False, ("door", "p@ss/word%")),
        ("mqtt://door@localhost", "localhost", 1883, False, ("door", "")),
    ],
)
def test_an_address_is_taken_apart(
    text: str, host: str, port: int, tls: bool, account: tuple[str, str]
) -> None:
    user, password = account
    parts = {"host": host, "port": port, "tls": tls, "user": user, "password": password}
    assert read(text) == parts


def test_without_it_there_is_no_broker() -> None:
    assert read("") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("broker.home.arpa", "does not begin with mqtts://"),
        ("127.0.0.1:1883", "does not begin with mqtts://"),
        ("ws://broker.home.arpa", "does not begin with mqtts://"),
        ("mqtts:broker.home.arpa", "does not begin with mqtts://"),
        ("mqtts://", "is no address of a broker"),
        ("mqtts://:8883", "is no address of a broker"),
        ("mqtts://broker.home.arpa:eight", "is no address of a broker"),
        ("mqtts://broker.home.arpa:0", "is no address of a broker"),
        ("mqtts://broker.home.arpa:65536", "is no address of a broker"),
        ("mqtts://[fd00::1", "is no address of a broker"),
        ("mqtts://broker.home.arpa/rfid", "is no address of a broker"),
        ("mqtts://broker.home.arpa?keepalive=1", "is no address of a broker"),
        ("mqtt://door:secret#1@127.0.0.1", "In a password write"),
        ("mqtt://door:secret/1@127.0.0.1", "In a password write"),
        ("mqtt://:secret@127.0.0.1", "has a password and no user"),
    ],
)
def test_what_is_wrong_with_one_is_a_sentence_without_the_password(text: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(text)
    assert words in str(refusal.value)
    assert "mqtts://broker.home.arpa:8883" in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("host", "tls", "warned"),
    [
        ("127.0.0.1", False, False),
        ("127.1.2.3", False, False),
        ("::1", False, False),
        ("localhost", False, False),
        ("192.168.1.2", False, True),
        ("broker.home.arpa", False, True),
        ("broker.home.arpa", True, False),
    ],
)
def test_an_open_line_through_the_network_is_warned_of(
    settings: Settings, host: str, tls: bool, warned: bool
) -> None:
    settings.BROKER = {"host": host, "port": 1883, "tls": tls, "user": "", "password": ""}
    assert bool(link.warning()) == warned
    settings.BROKER = None
    assert link.warning() == ""
