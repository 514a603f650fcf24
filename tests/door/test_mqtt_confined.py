"""The whole program beside a broker: the door's process is confined, and connects all the same."""

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from door.discovery import AVAILABILITY
from pki.authorities import pem
from pki.signer import client
from tests.door import broker as brokers
from tests.door.broker import WITHIN, Mosquitto
from tests.door.test_mqtt_tls import configuration, secret_pem
from tests.pki.signer.makers import crl_pem, csr, request
from tests.portal.running import Running, free_port, up, wait_until


def put_files(running: Running, folder: Path) -> None:
    """A broker's certificate from this household, and what it verifies others with."""
    key, public = ec.generate_private_key(ec.SECP256R1()), running.data / "public"
    wanted = request("mqtt-broker", csr(key), sans=("dns:localhost",))
    leaf = client.issue(running.data / "run/signer.sock", wanted)
    issuing, root = (pem((public / f"ca/{name}.cer").read_bytes()) for name in ("devices", "devices-root"))
    lists = [crl_pem((public / f"crl/{name}.crl").read_bytes()) for name in ("devices", "devices-root")]
    (folder / "ca.pem").write_bytes(root + issuing)
    (folder / "broker.pem").write_bytes(pem(leaf) + issuing)
    (folder / "broker.key").write_bytes(secret_pem(key))
    (folder / "devices.crl.pem").write_bytes(b"".join(lists))


@pytest.mark.slow
def test_the_confined_door_connects_says_so_and_takes_its_leave(tmp_path: Path) -> None:
    mosquitto, home_port = Mosquitto(tmp_path), free_port()
    with up(tmp_path / "data", LATCHKEY_MQTT_URL=f"mqtts://localhost:{mosquitto.port}") as running:
        noted = running.data / "web/door-link.json"
        wait_until(lambda: noted.exists() and "No broker listens" in noted.read_text(), WITHIN, "it says so")
        put_files(running, tmp_path)
        mosquitto.more = configuration(tmp_path, home_port)
        mosquitto.start()
        try:
            with brokers.visitor(home_port, AVAILABILITY) as home:
                assert home.until(lambda m: m.payload == b"online")
                assert json.loads(noted.read_text())["connected"]
                assert running.end() == 0
                assert home.next().payload == b"offline"
        finally:
            mosquitto.stop()
    leaf = x509.load_pem_x509_certificate((running.data / "web/tls/door-mqtt.pem").read_bytes())
    assert leaf.subject.rfc4514_string().startswith("CN=latchkey-door,")
