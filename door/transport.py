"""How a press leaves for the house: over MQTT, or, while no broker is set, into the log."""

import logging
from dataclasses import dataclass
from typing import ClassVar, Protocol

log = logging.getLogger(__name__)

WITHIN = 3.0  # seconds in which a press is received, or somebody is told that it was not


@dataclass(frozen=True)
class Message:
    """What is published for one press."""

    topic: str
    payload: bytes
    expires: int  # seconds after which no broker hands it on (MQTT 5, 3.3.2.3.3)


class HomeSilent(Exception):
    """Nobody received it, and it will not be sent later. Its text is a sentence for whoever pressed."""


class Transport(Protocol):
    def publish(self, message: Message) -> None:
        """Returns when it was received; raises HomeSilent within WITHIN seconds. Called by many threads."""


class Practice:
    """No broker yet: a line in the log, and it counts as received."""

    def publish(self, message: Message) -> None:
        # No payload: it may hold a PIN.
        log.warning("practice: an open for %r, good for %d seconds", message.topic, message.expires)


class _InUse:
    transport: ClassVar[Transport] = Practice()


def current() -> Transport:
    return _InUse.transport


def use(transport: Transport) -> None:
    """From here on every press of this process goes this way."""
    _InUse.transport = transport
