"""From the press on the page to the message at home; and inside the MQTT client, from publish to PUBACK.

Beside each, in turns: a bare paho-mqtt client with a standing connection, through the same brokers.
"""

import http.client
import queue
import sqlite3
import ssl
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.door_servers import Server, in_process
from bench.signer import flushed, write
from door.connection import Connection
from door.transport import Message
from tests.portal.pair_child import pair
from tests.portal.running import free_port, wait_until

TOPIC = "latchkey/garage/open"
PAYLOAD = b"x" * 150
TOKEN = "t" * 32  # the CSRF cookie and the form's field agree; both are the browser's to choose
PRESSES, PUBLISHES = 80, 200
Row = tuple[str, str, str, str]


def tls(data: Path) -> ssl.SSLContext:
    """As the door itself connects: with its certificate, and trusting the household's devices alone."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=(data / "public/ca/devices-root.cer").read_bytes())
    made.load_cert_chain(data / "web/tls/door-mqtt.pem")
    return made


def client(port: int, context: ssl.SSLContext | None = None) -> Client:
    """A bare one, connected, with its network loop running."""
    made = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    if context:
        made.tls_set_context(context)
    made.connect("localhost", port)
    made.loop_start()
    wait_until(made.is_connected, 10, "the broker answers")
    return made


def leave(*clients: Client) -> None:
    for one in clients:
        one.disconnect()
        one.loop_stop()


class Home:
    """Who listens there; gives the time at which each message arrived."""

    def __init__(self, port: int) -> None:
        self.arrived: queue.Queue[float] = queue.Queue()
        self.client = client(port)
        self.client.on_message = lambda *_: self.arrived.put(time.perf_counter())
        subscribed: queue.Queue[bool] = queue.Queue()
        self.client.on_subscribe = lambda *_: subscribed.put(True)
        self.client.subscribe(TOPIC, 1)
        subscribed.get(timeout=5)

    def after(self, send: Callable[[], object], seconds: float = 10) -> float:
        """Milliseconds from the call until the message is here; at most `seconds`."""
        begun = time.perf_counter()
        send()
        return (self.arrived.get(timeout=seconds) - begun) * 1000


class Thumb:
    """A page that stays open: one connection to the door, kept alive."""

    def __init__(self, port: int, device: Path) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(device)
        self.web = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
        self.headers = {
            "Cookie": f"__Host-latchkey-door={TOKEN}",
            "Origin": f"https://localhost:{port}",
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def press(self) -> None:
        form = urlencode({"token": str(uuid.uuid4()), "csrfmiddlewaretoken": TOKEN})
        self.web.request("POST", "/doors/garage/open", body=form, headers=self.headers)
        answer = self.web.getresponse()
        answer.read()
        if answer.status not in (200, 302, 303):
            raise RuntimeError(f"a press was answered with {answer.status}")


def press_to_home(server: Server, home: Home, bare: Client, database: sqlite3.Connection) -> list[Row]:
    """All three in turns; what is left is the handshake's and the page's work, which the door does once."""
    thumb = Thumb(server.port, server.device)
    home.after(thumb.press, 30)  # the door connects to its broker
    pressed, published, flushes = [], [], []
    for _ in range(PRESSES):
        published.append(home.after(lambda: bare.publish(TOPIC, PAYLOAD, qos=1)))
        flushes.append(took(lambda: write(database, PAYLOAD)))
        pressed.append(home.after(thumb.press))
    floor = statistics.median(published) + statistics.median(flushes)
    beside = f"{statistics.median(pressed) / statistics.median(published):.0f}"
    return [
        ("bare paho publish to the message at home, over the bridge", spread(published), "1", ""),
        ("press on the door's page to the message at home", spread(pressed), beside, ""),
        (
            "the same, beside a bare publish and one line flushed to the disk",
            f"one flush {statistics.median(flushes):.2f} ms",
            f"{statistics.median(pressed) / floor:.1f}",
            "",
        ),
    ]


def spread(times: list[float]) -> str:
    return f"p50 {statistics.median(times):.2f} ms, p99 {statistics.quantiles(times, n=100)[98]:.2f} ms"


def publish_to_puback(port: int, bare: Client, context: ssl.SSLContext) -> list[Row]:
    ours = Connection(
        ("localhost", port),
        context=context,
        account=("", ""),
        will=("latchkey/door/availability", b"offline"),
        hearing=lambda *_: None,
        over=lambda: None,
    )
    message = Message(TOPIC, PAYLOAD, 5)
    theirs, own = [], []
    for _ in range(PUBLISHES):
        theirs.append(took(lambda: bare.publish(TOPIC, PAYLOAD, qos=1).wait_for_publish(5)))
        own.append(took(lambda: ours.publish(message, 3.0)))
    ours.close()
    ratio = statistics.median(own) / statistics.median(theirs)
    return [
        ("bare paho publish to PUBACK, TLS with a certificate", spread(theirs), "1", ""),
        ("the same inside the door's MQTT client", spread(own), f"{ratio:.2f}", "<= 2"),
    ]


def took(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def rows(folder: Path) -> list[Row]:
    """Through the pair of brokers that `manage.py mosquitto` writes, with certificates of the household."""
    port = free_port()
    with (
        in_process(folder / "door", LATCHKEY_MQTT_URL=f"mqtts://localhost:{port}") as (server, running),
        pair(running.env, folder / "pair") as home_port,
        flushed(folder / "floor.sqlite3") as database,
    ):
        context = tls(running.data)
        home, bare = Home(home_port), client(port, context)
        found = press_to_home(server, home, bare, database)
        leave(home.client)
        found += publish_to_puback(port, bare, context)
        leave(bare)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as name:
        for row in rows(Path(name)):
            print(*row, sep=" | ")
