"""Debian's SCEP programs against a running Latchkey: micromdm's scepclient, strongSwan's pki, certmonger."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from tests.pki.test_scep_clients import certmonger, needs, pki_scep, ran, scepclient
from tests.portal.door_hand import Hand, hand
from tests.portal.running import Running, up, wait_until

pytestmark = pytest.mark.slow

TRADITIONAL = (Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


@dataclass
class House:
    """A running Latchkey and somebody who asks and approves there."""

    running: Running
    hand: Hand

    @property
    def url(self) -> str:
        return f"http://{self.running.env['LATCHKEY_STATUS_BIND']}/scep/clients"

    @property
    def ra(self) -> x509.Certificate:
        answer = self.running.status_face("/scep/clients?operation=GetCACert&message=home")
        found = pkcs7.load_der_pkcs7_certificates(answer)
        return next(one for one in found if isinstance(one.public_key(), rsa.RSAPublicKey))

    def asked(self, device: str) -> list[list[str]]:
        return list(self.hand("asked", device=device)["requests"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("scep") / "data"
    with up(data, DJANGO_SETTINGS_MODULE="tests.scep_settings") as running, hand(running.env) as hands:
        yield House(running, hands)


def approves_when(condition: Callable[[], bool], house: House, device: str, done: Path) -> threading.Thread:
    """The officer, who approves the device when the condition holds, and makes the file `done`. Nobody else
    uses the hand meanwhile."""

    def officer() -> None:
        wait_until(condition, 60, "something that the officer can approve")
        wait_until(lambda: house.hand("approve", device=device)["approved"] == 1, 30, "the request")
        done.touch()

    thread = threading.Thread(target=officer)
    thread.start()
    return thread


def names(pem: bytes) -> str:
    return x509.load_pem_x509_certificate(pem).subject.rfc4514_string()


def test_scepclient_gets_the_certificate_of_an_approved_device(house: House, tmp_path: Path) -> None:
    needs("scepclient")
    challenge = house.hand("device", owner="alice", device="micro")["challenge"]
    assert scepclient(tmp_path / "wrong", house.ra, house.url, "guessed").returncode != 0
    done = scepclient(tmp_path / "good", house.ra, house.url, challenge)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CN=alice's micro" in names((tmp_path / "good" / "d" / "c.crt").read_bytes())
    assert scepclient(tmp_path / "thief", house.ra, house.url, challenge).returncode != 0
    assert house.asked("micro") == [["device", "issued"]]


@pytest.fixture
def strongswan(house: House, tmp_path: Path) -> Path:
    """A folder with the CA certificates, as `pki --scepca` leaves them, and two keys."""
    needs("pki")
    for plugin in ("curl", "openssl"):
        needs(f"/usr/lib/ipsec/plugins/libstrongswan-{plugin}.so")
    for name in ("k.der", "new.der"):
        key = rsa.generate_private_key(65537, 2048)
        (tmp_path / name).write_bytes(key.private_bytes(*TRADITIONAL))
    command = ["pki", "--scepca", "--url", house.url, "--caout", "ca.der", "--raout", "ra.der", "--force"]
    done = ran(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_strongswan_waits_for_the_officer_and_renews(house: House, strongswan: Path) -> None:
    challenge = house.hand("challenge", owner="alice", device="swan")["challenge"]
    officer = approves_when(lambda: True, house, "swan", strongswan / "approved")
    done = pki_scep(strongswan, house.url, "--in", "k.der", "--password", challenge)
    officer.join()
    assert done.returncode == 0, done.stderr
    assert "CN=alice's swan" in names(done.stdout.encode())
    leaf = x509.load_pem_x509_certificate(done.stdout.encode())
    (strongswan / "old.der").write_bytes(leaf.public_bytes(Encoding.DER))
    renew = ("--in", "new.der", "--cert", "old.der", "--key", "k.der")
    done = pki_scep(strongswan, house.url, *renew)
    assert done.returncode == 0, done.stderr
    assert names(done.stdout.encode()) == leaf.subject.rfc4514_string()
    assert house.asked("swan") == [["csr", "issued"], ["renewal", "issued"]]


def test_strongswan_is_told_no(house: House, strongswan: Path) -> None:
    done = pki_scep(strongswan, house.url, "--in", "k.der", "--password", "guessed")
    assert done.returncode != 0 and "badRequest" in done.stderr


def test_certmonger_enrols_an_approved_device_and_renews(house: House, tmp_path: Path) -> None:
    challenge = house.hand("device", owner="alice", device="monger")["challenge"]
    told = certmonger(tmp_path, house.url, "MONITORING", "rekey", challenge)
    assert (tmp_path / "m.crt").exists(), told
    assert "CN=alice's monger" in names((tmp_path / "m.crt").read_bytes())
    assert house.asked("monger") == [["device", "issued"], ["renewal", "issued"]], told


def test_certmonger_waits_for_the_officer(house: House, tmp_path: Path) -> None:
    challenge = house.hand("challenge", owner="alice", device="router")["challenge"]
    listed = tmp_path / "listed"

    def waits() -> bool:
        return listed.exists() and "CA_WORKING" in listed.read_text()

    officer = approves_when(waits, house, "router", tmp_path / "approved")
    told = certmonger(tmp_path, house.url, "CA_WORKING", "refresh", challenge, "approved")
    officer.join()
    assert (tmp_path / "m.crt").exists(), told
    assert house.asked("router") == [["csr", "issued"]]
