"""Where presses go without a broker, and what the status page is told of the connection."""

import logging

import pytest
from pytest_django import Settings

from door import link, mqtt, transport
from door.transport import Message


@pytest.fixture(autouse=True)
def nothing_noted() -> None:
    link._file().unlink(missing_ok=True)


def test_without_a_broker_a_press_is_a_line_in_the_log_and_received(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BROKER = None
    mqtt.start()
    assert isinstance(transport.current(), transport.Practice)
    with caplog.at_level(logging.WARNING):
        transport.current().publish(Message("practice/front", b'{"pin": "830274"}', 5))
    assert "an open for 'practice/front'" in caplog.text
    assert "830274" not in caplog.text
    mqtt.stop()


def test_a_press_waits_three_seconds_at_most() -> None:
    assert transport.WITHIN <= 3


def test_what_is_used_is_what_is_current() -> None:
    class Other(transport.Practice):
        pass

    before, other = transport.current(), Other()
    transport.use(other)
    assert transport.current() is other
    transport.use(before)


def test_the_link_is_noted_once_for_each_change() -> None:
    assert link.read() == link.LinkState(False, "The door has not started yet.", None)
    link.note(True, "Connected to here.")
    first = link.read()
    assert (first.connected, first.word) == (True, "Connected to here.")
    link.note(True, "Connected to here.")
    assert link.read() == first
    link.note(False, "Gone.")
    assert link.read().since > first.since


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"connected": 1, "word": "x", "since": "never"}'])
def test_a_broken_note_is_none(text: str) -> None:
    link._file().write_text(text)
    assert link.read().since is None
