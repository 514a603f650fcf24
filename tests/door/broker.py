"""A real Mosquitto on free ports, and people who listen and speak there."""

import contextlib
import getpass
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.portal.running import free_port, wait_until

MOSQUITTO = "/usr/sbin/mosquitto"
WITHIN = 10  # seconds; a guard, not a promise
OPEN = "allow_anonymous true\n"


def look_for_mosquitto() -> None:
    """Skips the test where it is missing; with CI=true it fails when it starts."""
    if not Path(MOSQUITTO).exists() and os.environ.get("CI") != "true":
        pytest.skip("needs mosquitto")


@dataclass
class Mosquitto:
    """`more` is configuration after the line with the listener."""

    folder: Path
    more: str = OPEN
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        look_for_mosquitto()
        config = self.folder / f"mosquitto-{self.port}.conf"
        ours = f"user {getpass.getuser()}\nlog_dest stderr\nlog_type all\n"
        config.write_text(f"listener {self.port} 127.0.0.1\n{self.more}{ours}")
        with self.log.open("ab") as output:
            self.process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=output)
        wait_until(self.listens, WITHIN, "mosquitto listens")

    @property
    def log(self) -> Path:
        return self.folder / f"mosquitto-{self.port}.log"

    def listens(self) -> bool:
        """At the last of its listeners: it opens them one after the other."""
        last = re.findall(r"^listener (\d+)", self.more, re.MULTILINE)[-1:] or [self.port]
        assert self.process is not None and self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", int(last[0])), timeout=1).close()
        except OSError:
            return False
        return True

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(WITHIN)
            self.process = None


@contextlib.contextmanager
def running(folder: Path, more: str = OPEN, port: int | None = None) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, more, port or free_port())
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Visitor:
    """A plain MQTT 5 client: hears what comes on `topics` with all it says, and may publish."""

    def __init__(
        self, port: int, *topics: str, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.heard: queue.Queue[MQTTMessage] = queue.Queue()
        self.ready = threading.Event()
        self.topics = topics
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_connect = self._subscribe
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = lambda client, userdata, message: self.heard.put(message)
        if context:
            self.client.tls_set_context(context)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect(host, port)
        self.client.loop_start()
        assert self.ready.wait(WITHIN)

    def _subscribe(self, client: Client, *_: object) -> None:
        if self.topics:
            client.subscribe([(topic, 1) for topic in self.topics])
        else:
            self.ready.set()

    def next(self) -> MQTTMessage:
        return self.heard.get(timeout=WITHIN)

    def says(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(WITHIN)

    def until(self, fits: Callable[[MQTTMessage], bool]) -> MQTTMessage:
        """The first message that fits; what comes before it is thrown away."""
        deadline = time.monotonic() + WITHIN
        while True:
            message = self.heard.get(timeout=max(0.01, deadline - time.monotonic()))
            if fits(message):
                return message

    def everything(self) -> list[MQTTMessage]:
        """All that came so far. A message of our own, sent now and heard, says that nothing is on its way."""
        found = []
        marker = f"tests/marker/{time.monotonic_ns()}"
        self.ready.clear()
        self.client.subscribe(marker, 1)
        assert self.ready.wait(WITHIN)
        self.says(marker, b"")
        while (message := self.heard.get(timeout=WITHIN)).topic != marker:
            found.append(message)
        return found

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextlib.contextmanager
def visitor(port: int, *topics: str, context: ssl.SSLContext | None = None) -> Iterator[Visitor]:
    found = Visitor(port, *topics, context=context)
    try:
        yield found
    finally:
        found.leave()
