"""From the press on the page to the message at home; and inside the MQTT client, from publish to PUBACK.

Beside each, in turns: a bare paho-mqtt client with a standing connection, through the same brokers.
"""

import http.client
import queue
import ssl
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.door_servers import in_process
from door.connection import Connection
from door.transport import Message
from tests.portal.running import free_port, wait_until

MOSQUITTO = "/usr/sbin/mosquitto"
TOPIC, BARE = "latchkey/garage/open", "bare/open"
TOKEN = "t" * 32  # the CSRF cookie and the form's field agree; both are the browser's to choose
PRESSES, PUBLISHES = 80, 300
Row = tuple[str, str, str, str]


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A plain Mosquitto on the loopback; gives its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([MOSQUITTO, "-c", str(configuration)], stderr=subprocess.DEVNULL) as process:
        try:
            probe = client(port)
            probe.disconnect()
            yield port
        finally:
            process.terminate()


def client(port: int) -> Client:
    """Connected, with its network loop running."""
    made = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)

    def connected() -> bool:
        try:
            made.connect("127.0.0.1", port)
        except ConnectionRefusedError:
            return False
        return True

    wait_until(connected, 10, "the broker listens")
    made.loop_start()
    wait_until(made.is_connected, 10, "the broker answers")
    return made


class Home:
    """Who listens there; gives the time at which each message arrived."""

    def __init__(self, port: int) -> None:
        self.arrived: queue.Queue[float] = queue.Queue()
        self.client = client(port)
        self.client.on_message = lambda *_: self.arrived.put(time.perf_counter())
        subscribed: queue.Queue[bool] = queue.Queue()
        self.client.on_subscribe = lambda *_: subscribed.put(True)
        self.client.subscribe([(TOPIC, 1), (BARE, 1)])
        subscribed.get(timeout=5)

    def after(self, send: Callable[[], object]) -> float:
        """Milliseconds from the call until the message is here."""
        begun = time.perf_counter()
        send()
        return (self.arrived.get(timeout=10) - begun) * 1000


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


def press_to_home(folder: Path) -> list[Row]:
    with (
        broker(folder / "broker") as port,
        in_process(folder, LATCHKEY_MQTT_URL=f"mqtt://127.0.0.1:{port}") as (server, _),
    ):
        home, bare, thumb = Home(port), client(port), Thumb(server.port, server.device)
        thumb.press()
        home.arrived.get(timeout=10)
        pressed, published = [], []
        for _ in range(PRESSES):
            published.append(home.after(lambda: bare.publish(BARE, b"open", qos=1)))
            pressed.append(home.after(thumb.press))
        for one in (home.client, bare):
            one.disconnect()
            one.loop_stop()
    ratio = statistics.median(pressed) / statistics.median(published)
    return [
        ("bare paho publish to the message at home", spread(published), "1", ""),
        ("press on the door's page to the message at home", spread(pressed), f"{ratio:.1f}", ""),
    ]


def spread(times: list[float]) -> str:
    return f"p50 {statistics.median(times):.2f} ms, p99 {statistics.quantiles(times, n=100)[98]:.2f} ms"


def publish_to_puback(folder: Path) -> list[Row]:
    with broker(folder / "puback") as port:
        bare = client(port)
        ours = Connection(
            ("127.0.0.1", port),
            context=None,
            account=("", ""),
            will=("bench/will", b"gone"),
            hearing=lambda *_: None,
            over=lambda: None,
        )
        message = Message(TOPIC, b"x" * 200, 5)
        theirs, own = [], []
        for _ in range(PUBLISHES):
            theirs.append(took(lambda: bare.publish(BARE, b"x" * 200, qos=1).wait_for_publish(5)))
            own.append(took(lambda: ours.publish(message, 3.0)))
        ours.close()
        bare.disconnect()
        bare.loop_stop()
    ratio = statistics.median(own) / statistics.median(theirs)
    return [
        ("bare paho publish to PUBACK", spread(theirs), "1", ""),
        ("the same inside the door's MQTT client", spread(own), f"{ratio:.2f}", "<= 2"),
    ]


def took(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def rows(folder: Path) -> list[Row]:
    return publish_to_puback(folder) + press_to_home(folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for row in rows(Path(name)):
            print(*row, sep=" | ")
