"""The door and a broker that asks for certificates: both from `devices`, both looked at each time."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_django import Settings

from accounts.models import User
from door import broker_tls, link, mqtt
from door.transport import HomeSilent
from enrollment import ra
from pki import authorities, crl, revocation
from pki.models import Certificate
from portal import services
from tests.conftest import make_csr
from tests.door import broker as brokers
from tests.door.broker import Mosquitto
from tests.door.test_mqtt import WITHIN, message, publish, published
from tests.enrollment.acts import HERE, ask
from tests.pki.signer.makers import crl_pem
from tests.portal.running import free_port, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@dataclass
class House:
    """A broker beside the portal, with a loopback listener for the home."""

    folder: Path
    certificate: Certificate
    broker: Mosquitto
    home_port: int

    def refresh(self) -> None:
        """What latchkey-broker-refresh does: the published list, and a broker that reads it at its start."""
        lists = (crl_pem(crl.published(name)) for name in ("devices", "devices-root"))
        (self.folder / "devices.crl.pem").write_bytes(b"".join(lists))

    def came_in(self) -> int:
        """How many times the door connected."""
        return self.broker.log.read_text().count("as latchkey-door-")

    def restart(self) -> None:
        self.broker.stop()
        self.refresh()
        self.broker.start()


@pytest.fixture
def house(signer: Path, alice: User, bob: User, tmp_path: Path) -> Iterator[House]:
    broker_tls.certificate().unlink(missing_ok=True)
    yield from standing(alice, bob, tmp_path, "localhost")


def standing(alice: User, bob: User, folder: Path, name: str) -> Iterator[House]:
    """With a certificate for this host name, issued to alice by the officer's approval."""
    key = ec.generate_private_key(ec.SECP256R1())
    device = f"broker-{alice.pk.hex[:8]}"
    request = ask(alice, device, "mqtt-broker", make_csr(key=key), sans=(name,))
    certificate = ra.approve(request=request, by=bob, address=HERE).certificate
    assert certificate is not None
    authorities.publish_certificates()
    crl.publish("devices")
    issuing, root = map(authorities.pem, authorities.chain("devices"))
    (folder / "ca.pem").write_bytes(root + issuing)
    (folder / "broker.pem").write_bytes(authorities.pem(bytes(certificate.der)) + issuing)
    (folder / "broker.key").write_bytes(secret_pem(key))
    home_port = free_port()
    made = House(folder, certificate, Mosquitto(folder, configuration(folder, home_port)), home_port)
    made.restart()
    try:
        yield made
    finally:
        mqtt.stop()
        made.broker.stop()


def secret_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def configuration(folder: Path, home_port: int) -> str:
    return (
        f"cafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
        f"crlfile {folder}/devices.crl.pem\nrequire_certificate true\nuse_identity_as_username true\n"
        f"listener {home_port} 127.0.0.1\nallow_anonymous true\n"
    )


def connect(house: House, settings: Settings, host: str = "localhost") -> None:
    settings.BROKER = {"host": host, "port": house.broker.port, "tls": True, "user": "", "password": ""}
    link.note(False, "not yet")
    services.renew_door()
    mqtt.start()


def test_the_door_gets_in_with_the_certificate_of_its_own(house: House, settings: Settings) -> None:
    connect(house, settings)
    with brokers.visitor(house.home_port, "home/#") as home:
        publish(message(3))
        assert home.next().topic == "home/front/open"
    assert "u'latchkey-door'" in house.broker.log.read_text()
    assert broker_tls.certificate().stat().st_mode & 0o777 == 0o600
    wait_until(lambda: link.read().word == "Connected to localhost.", 5, "noted")


def test_no_press_is_lost_while_the_certificate_is_renewed(house: House, settings: Settings) -> None:
    connect(house, settings)
    with brokers.visitor(house.home_port, "home/#") as home, ThreadPoolExecutor(1) as clerk:
        publish(message())
        first, sent = house.came_in(), 1
        renewal = clerk.submit(renew_by_revoking)
        while not (renewal.done() and house.came_in() > first):
            publish(message(sent))
            sent += 1
        publish(message(sent))
        assert renewal.result() == "new certificate for the broker: it was revoked"
        numbers = [json.loads(home.next().payload)["nonce"] for _ in range(sent + 1)]
        assert sorted(map(int, numbers)) == list(range(sent + 1))
    house.restart()  # from here on the old certificate gets nobody in
    with brokers.visitor(house.home_port, "home/#"):
        wait_until(lambda: published(message()), 2 * WITHIN, "the door is back")


def renew_by_revoking() -> str:
    ours = Certificate.objects.filter(owner="service:door").latest("issued_at")
    revocation.revoke(ours, "superseded", by="bob", address=HERE)
    return services.renew_door()


def test_a_broker_under_another_name_is_refused(house: House, settings: Settings) -> None:
    connect(house, settings, host="127.0.0.1")
    wait_until(lambda: "is refused: IP address mismatch" in link.read().word, WITHIN, "it says so")
    with pytest.raises(HomeSilent, match="Nothing will open later"):
        publish(message())


def test_a_revoked_broker_is_left_at_once_and_refused_from_then_on(house: House, settings: Settings) -> None:
    connect(house, settings)
    wait_until(lambda: link.read().connected, WITHIN, "connected")
    revocation.revoke(house.certificate, "keyCompromise", by="bob", address=HERE)
    wait_until(lambda: "is refused: certificate revoked" in link.read().word, WITHIN, "it says so")
    with pytest.raises(HomeSilent):
        publish(message())


def test_a_broker_of_another_authority_is_refused(house: House, settings: Settings, tmp_path: Path) -> None:
    with open(tmp_path / "broker.pem", "wb") as file:
        services.renew_portal()
        pem = services.tls.pem().read_bytes()
        file.write(pem)
    (tmp_path / "broker.key").write_bytes(pem)
    house.restart()
    connect(house, settings)
    wait_until(lambda: "is refused: unable to get local issuer" in link.read().word, WITHIN, "it says so")


def test_a_broker_that_does_not_know_our_authority_is_said(house: House, settings: Settings) -> None:
    (house.folder / "ca.pem").write_bytes(b"".join(map(authorities.pem, authorities.chain("clients"))))
    house.broker.more = house.broker.more.replace(f"crlfile {house.folder}/devices.crl.pem\n", "")
    house.restart()
    connect(house, settings)
    wait_until(lambda: "alert unknown ca" in link.read().word, WITHIN, "it says so")


def test_without_its_certificate_the_door_waits_for_one(house: House, settings: Settings) -> None:
    settings.BROKER = {
        "host": "localhost",
        "port": house.broker.port,
        "tls": True,
        "user": "",
        "password": "",
    }
    mqtt.start()
    wait_until(lambda: "no certificate for the broker yet" in link.read().word, WITHIN, "it says so")
    services.renew_door()
    wait_until(lambda: link.read().connected, 2 * WITHIN, "connected")
