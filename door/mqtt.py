"""The standing connection to the broker: kept up by a thread of its own, used by all that press.

Nothing is queued: a press goes out on a connection that is up, or its person hears at once that it did not.
"""

import contextlib
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings

from door import broker_tls, link, states, transport
from door.connection import Connection, Lost
from door.discovery import AVAILABILITY, OFFLINE
from door.following import Follower
from door.payload import check_topic
from door.transport import WITHIN, HomeSilent, Message

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.2, 15.0  # seconds between attempts to connect; doubled each time
LIVED_WELL = 10.0  # seconds after which earlier failures are forgiven
PATIENCE = 1.0  # seconds that a press waits at least for a broker that is just being restarted
LOOK = 2.0  # seconds between looks at the certificate's files
NO_SUBSCRIBERS, REFUSED = (
    0x10,
    0x80,
)  # reason codes (MQTT 5, 3.4.2.1): received, but by nobody else; any error

_chance = random.SystemRandom()


class Broker:
    """A Transport. `broker` is settings.BROKER."""

    def __init__(self, broker: dict[str, Any], follower: Follower) -> None:
        self._broker = broker
        self._follower = follower
        self._changed = threading.Condition()  # guards the next three
        self._current: Connection | None = None
        self._failures = 0  # attempts to connect, ever
        self._trouble = "The connection to the broker is not up yet."
        self._since = 0.0  # when the connection was made
        # Both wake the keeper: the connection is over; somebody presses and wants one.
        self._over, self._wanted = threading.Event(), threading.Event()
        self._ending = threading.Event()
        self._marks: broker_tls.Marks = ()  # of the files that the connection was made with
        self._said = ""
        self._thread = threading.Thread(target=self._keep, name="mqtt keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say "offline" and end."""
        self._ending.set()
        self._over.set()
        self._wanted.set()
        self._thread.join(WITHIN)

    def publish(self, message: Message) -> None:
        """As Transport says."""
        deadline = time.monotonic() + WITHIN
        try:
            check_topic(message.topic)  # again: at some the broker hangs up, on everybody's presses
            with self._borrowed(deadline) as connection:
                reason = connection.publish(message, max(0.1, deadline - time.monotonic()))
        except Lost as error:
            raise HomeSilent(f"{error} Nothing will open later.") from error
        except ValueError as error:
            raise HomeSilent(
                "This door's topic is none that can be published to. Tell your officer."
            ) from error
        if reason.value >= REFUSED:
            raise HomeSilent(f"The broker refused it: {reason}. Nothing will open later.")
        if reason.value == NO_SUBSCRIBERS:
            raise HomeSilent("Nobody at home listens. Nothing will open later.")

    @contextlib.contextmanager
    def _borrowed(self, deadline: float) -> Iterator[Connection]:
        """The connection, kept from being closed meanwhile; waits for one that is just being made."""
        with self._changed:
            connection = self._when_up(deadline)
            connection.busy += 1
        try:
            yield connection
        finally:
            with self._changed:
                connection.busy -= 1
                self._changed.notify_all()

    def _when_up(self, deadline: float) -> Connection:
        """Raises Lost at the deadline, or earlier when attempts fail and it is no short break."""
        failures, patience = self._failures, time.monotonic() + PATIENCE
        while self._current is None or not self._current.alive:
            now = time.monotonic()
            if now > deadline or (now > patience and self._failures > failures) or self._ending.is_set():
                raise Lost(self._trouble)
            self._wanted.set()
            self._changed.wait(deadline - now)
        return self._current

    def _keep(self) -> None:
        """The keeper's thread: connects, and connects anew, until told to end."""
        tries = 0  # since a connection lived well
        while not self._ending.is_set():
            try:
                tries = self._turn(tries)
            except Exception:
                log.exception("mqtt: the keeper stumbled")
                self._ending.wait(LOOK)
        self._goodbye()

    def _turn(self, tries: int) -> int:
        if not self._is_due():
            self._over.wait(LOOK)
            self._over.clear()
            return 0 if time.monotonic() - self._since > LIVED_WELL else tries
        if tries:
            self._wanted.wait(_pause(tries))
            self._ending.wait(FIRST_WAIT)  # for somebody who presses, too: not in a row
        self._wanted.clear()
        if not self._ending.is_set():
            self._attempt()
        return tries + 1

    def _is_due(self) -> bool:
        """There is no connection, or it was made with a certificate or lists that were replaced since."""
        current = self._current
        return current is None or not current.alive or self._marks != self._marks_now()

    def _marks_now(self) -> broker_tls.Marks:
        return broker_tls.marks() if self._broker["tls"] else ()

    def _attempt(self) -> None:
        marks = self._marks_now()
        try:
            fresh = self._open()
        except (Lost, OSError, ValueError) as error:
            self._failed(error)
        else:
            self._marks, self._since = marks, time.monotonic()
            self._replace(fresh)

    def _open(self) -> Connection:
        return Connection(
            (self._broker["host"], self._broker["port"]),
            context=broker_tls.context() if self._broker["tls"] else None,
            account=(self._broker["user"], self._broker["password"]),
            will=(AVAILABILITY, OFFLINE),
            hearing=self._follower.hear,
            over=self._over.set,
        )

    def _replace(self, fresh: Connection) -> None:
        """From here on presses take the fresh one; the old one goes when the last press on it is answered."""
        with self._changed:
            old, self._current = self._current, fresh
            self._changed.notify_all()
            if old:
                self._changed.wait_for(lambda: not old.busy, WITHIN)
        self._follower.connected(fresh)
        self._say(True, f"Connected to {self._broker['host']}.")
        if old:
            old.close()

    def _failed(self, error: Exception) -> None:
        """A broker that TLS refuses is left at once, even if it was good when we connected."""
        with self._changed:
            self._trouble = sentence(error, self._broker)
            self._failures += 1
            if self._current and isinstance(error, ssl.SSLError):
                self._current.drop()
            up = self._current is not None and self._current.alive
            self._changed.notify_all()
        if not up:
            states.forget()
            self._say(False, self._trouble)

    def _say(self, connected: bool, word: str) -> None:
        if word != self._said:
            log.log(logging.INFO if connected else logging.WARNING, "mqtt: %s", word)
            self._said = word
        with contextlib.suppress(OSError):  # a full disk is no reason not to open doors
            link.note(connected, word)

    def _goodbye(self) -> None:
        if self._current:
            self._current.close(with_will=True)
        self._say(False, "The door has stopped.")


def _pause(failed: int) -> float:
    """Seconds until the next attempt after so many in vain."""
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failed, 10))
    return _chance.uniform(longest / 2, longest)  # many doors must not come back all at once


def sentence(error: Exception, broker: dict[str, Any]) -> str:
    """What went wrong with the connection, for people."""
    place = f"{broker['host']}, port {broker['port']}"
    match error:
        case ssl.SSLCertVerificationError():
            return f"The certificate of the broker at {place} is refused: {error.verify_message}."
        case ssl.SSLError():
            return f"There is no TLS with the broker at {place}: {error.reason or error}."
        case FileNotFoundError():
            return "The door has no certificate for the broker yet; it gets one as soon as the signer runs."
        case TimeoutError():
            return f"The broker at {place} does not answer."
        case socket.gaierror():
            return f"No address is known for the broker {broker['host']}."
        case ConnectionRefusedError():
            return f"No broker listens at {place}."
    return str(error) or type(error).__name__


class _Running:
    broker: ClassVar[Broker | None] = None
    follower: ClassVar[Follower | None] = None


def start() -> None:
    """Have this process's presses go to the broker of LATCHKEY_MQTT_URL; without one, they are practice.

    To be called once, after the process has confined itself: threads begun earlier would not be. Returns at
    once, whether the broker is there or not.
    """
    if settings.BROKER is None:
        return
    follower = Follower()
    broker = Broker(settings.BROKER, follower)
    _Running.broker, _Running.follower = broker, follower
    follower.start()
    broker.start()
    transport.use(broker)


def stop() -> None:
    """End the connection properly: whoever watches our availability hears of it."""
    if _Running.broker and _Running.follower:
        _Running.broker.stop()
        _Running.follower.stop()
    _Running.broker = _Running.follower = None
    transport.use(transport.Practice())
