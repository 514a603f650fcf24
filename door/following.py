"""What the door hears and announces: a thread that reads messages off a queue and follows the doors.

Apart from the connection's own thread: a database that is slow must not hold back a PUBACK.
"""

import contextlib
import logging
import queue
import threading
import time
from typing import Any

from django.db import close_old_connections, connections

from door import states
from door.connection import Connection, Lost
from door.discovery import AVAILABILITY, OFFLINE, ONLINE, messages
from door.models import Door
from door.payload import check_topic

log = logging.getLogger(__name__)

EVERY = 3.0  # seconds between looks at the doors
MOST_WAITING = 500  # messages; more than a house says, and what a broken one says is no loss

Heard = tuple[str, bytes, bool]


class Follower:
    """Keeps the present connection subscribed to all state topics, and Home Assistant told of all doors."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Heard | None] = queue.Queue(MOST_WAITING)
        self._connection: Connection | None = None  # the present one
        self._told: Connection | None = None  # the one that the next three were told to
        self._doors: list[dict[str, Any]] = []
        self._topics: set[str] = set()
        self._announced: dict[str, bytes] = {}
        self._due = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._put(None)
        self._thread.join(1)

    def connected(self, connection: Connection) -> None:
        """From here on this is the connection."""
        self._connection = connection
        self._put(None)

    def hear(self, topic: str, payload: bytes, retained: bool) -> None:
        """In the connection's thread: may not wait."""
        self._put((topic, payload, retained))

    def _put(self, heard: Heard | None) -> None:
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(heard)

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._turn()
        finally:
            connections.close_all()

    def _turn(self) -> None:
        try:
            heard = self._queue.get(timeout=EVERY)
        except queue.Empty:
            heard = None
        try:
            close_old_connections()
            if heard:
                self._take(*heard)
            if self._connection is not self._told or time.monotonic() > self._due:
                self._follow()
        except Exception:  # the database is away: the next turn comes
            log.exception("mqtt: following the doors failed")

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        if topic != AVAILABILITY:
            states.heard(topic, payload, retained=retained)
        elif payload == OFFLINE and self._connection:
            # The broker noticed only now that an earlier connection of ours broke, and published its will.
            self._announce(self._connection, {AVAILABILITY: ONLINE})

    def _follow(self) -> None:
        """Tell the connection what is new: everything, when the connection is."""
        self._due = time.monotonic() + EVERY
        connection = self._connection
        doors: list[dict[str, Any]] = [{**columns} for columns in Door.objects.order_by("pk").values()]
        if connection is None or (connection is self._told and doors == self._doors):
            return
        if connection is not self._told:
            self._topics, self._announced = set(), {}
        everything = [Door(**columns) for columns in doors]
        self._announce(connection, {AVAILABILITY: ONLINE, **dict(messages(everything))})
        self._subscribe(connection, topics_of(everything))
        self._told, self._doors = connection, doors

    def _announce(self, connection: Connection, news: dict[str, bytes]) -> None:
        for topic, payload in news.items():
            if topic == AVAILABILITY or self._announced.get(topic) != payload:
                with contextlib.suppress(Lost):  # the next connection is told all of it
                    connection.announce(topic, payload)
        self._announced |= news

    def _subscribe(self, connection: Connection, topics: set[str]) -> None:
        connection.unsubscribe(sorted(self._topics - topics))
        connection.subscribe(sorted(topics - self._topics))
        self._topics = topics


def topics_of(doors: list[Door]) -> set[str]:
    """What is subscribed to. No wildcards: they would bring us everybody's messages."""
    live = {door.state_topic for door in doors if door.retired_at is None and not door.practice}
    return {AVAILABILITY} | {topic for topic in live if _is_fit(topic)}


def _is_fit(topic: str) -> bool:
    try:
        check_topic(topic)
    except ValueError:
        return False
    return True
