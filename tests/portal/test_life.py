"""Three certificates from their request to long after their end: eight months of a household that runs.

`manage.py up` with its signer, and the hand in it, follow one clock (libfaketime), which goes on in steps.
After each step housekeeping did its duties once, beside the one of `up` that does them by itself.
"""

import fcntl
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pki import lint
from pki.signer.protocol import AUTHORITIES
from tests.conftest import make_csr
from tests.portal.aged import Clock
from tests.portal.door_clients import TLS_1_3, Crowd, client_context
from tests.portal.door_hand import Hand, hand
from tests.portal.postbox import MailServer, mail_server
from tests.portal.running import Running, up

pytestmark = pytest.mark.slow

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME: the test lives today
LIFE = 90  # days, of each of the three
HOUR = 1 / 24
STRIDE, LATER_STRIDE = 3.0, 4.5  # days; after two thirds of their fourteen OCSP's certificates have 4.6 left
LISTS = [kind for name in AUTHORITIES for kind in (name, f"{name}-root")]
SERVICES = ["web/tls/portal.pem", "ra/scep.pem", *(f"ra/ocsp-{name}.pem" for name in AUTHORITIES)]
Told = list[tuple[float, str, str]]  # day, to whom, subject
ALARM = "A backup is overdue"
EXPECTED = [  # all letters of the eight months but the alarms
    (0, "alice", "Your certificate is ready: phone"),
    (0, "alice", "Your certificate is ready: tablet"),
    (0, "alice", "Your certificate is ready: lost phone"),
    (0, "bob", "Alice (alice) asks for a certificate: forgotten"),
    (2, "alice", "Revoked: alice's lost phone"),
    (30, "alice", "Lapsed: forgotten"),
    (LIFE - 30, "alice", "alice's phone ends in 29 days"),
    (LIFE - 30, "alice", "alice's tablet ends in 29 days"),
    (LIFE - 14, "alice", "alice's phone ends in 13 days"),
    (LIFE - 14, "alice", "alice's tablet ends in 13 days"),
    (LIFE - 14, "alice", "Renewed: tablet"),
    (LIFE - 12, "alice", "In use: alice's tablet"),
    (LIFE - 12, "alice", "Revoked: alice's tablet"),
    (LIFE - 7, "alice", "alice's phone ends in 6 days"),
    (LIFE - 1, "alice", "alice's phone ends within two days"),
    # In longer strides, as if the machine were off in between: one late reminder, none after the end.
    (140, "alice", "alice's tablet ends in 26 days"),
    (153, "alice", "alice's tablet ends in 12 days"),
    (162, "alice", "alice's tablet ends in 3 days"),
]


@dataclass
class Client:
    """Somebody's device: its certificate's row, and key and certificate in a file."""

    id: str
    file: Path

    @property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.file.read_bytes()).serial_number


@dataclass
class Household:
    running: Running
    hand: Hand
    clock: Clock
    post: MailServer
    folder: Path
    day: float = 0.0
    kept: list[datetime] = field(default_factory=list)  # when housekeeping was at work
    told: Told = field(default_factory=list)
    lists: dict[str, x509.CertificateRevocationList] = field(default_factory=dict)
    made: set[bytes] = field(default_factory=set)  # all lists of the clients CA, PEM
    services: dict[str, x509.Certificate] = field(default_factory=dict)
    renewals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0))

    def keep(self, everything: bool = False) -> None:
        """Housekeeping, and what must be so after it on every day."""
        self.kept.append(self.clock.now)
        assert self.hand("keep", everything=everything) == {"trouble": {}}
        if self.slipped():
            assert self.hand("keep", everything=everything) == {"trouble": {}}
        new = self.post.letters[len(self.told) :]
        self.told += [(self.day, letter["To"].partition("@")[0], letter["Subject"]) for letter in new]
        self.look_at_lists()
        self.look_at_services()

    def slipped(self) -> bool:
        """Whether a list has the true date: threads may trip over libfaketime's file (0.9.10 has no lock)."""
        made = [self.published(name).last_update_utc for name in LISTS]
        return self.day > 1 and any(datetime.now(UTC) - at < timedelta(minutes=1) for at in made)

    def published(self, name: str) -> x509.CertificateRevocationList:
        return x509.load_der_x509_crl((self.running.data / f"public/crl/{name}.crl").read_bytes())

    def walk(self, day: float, stride: float = STRIDE) -> None:
        """On to `day`."""
        while self.day < day:
            self.day = min(day, self.day + stride)
            with self.undisturbed():
                self.clock.set(self.day)
            for found in self.lists.values():
                assert ends(found) > self.clock.now, "nobody may find a list that has lapsed"
            for certificate in self.services.values():
                assert certificate.not_valid_after_utc > self.clock.now
            self.keep()

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """While the housekeeping of `up` has nothing on its way."""
        with (self.running.data / "web/housekeeping.lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def look_at_lists(self) -> None:
        """Not a day old, good for days to come, and numbered upwards; and not made anew for nothing."""
        for name in LISTS:
            found = self.published(name)
            assert self.clock.now - found.last_update_utc < timedelta(days=1, hours=1, minutes=1)
            assert ends(found) - self.clock.now > timedelta(days=5, hours=22)
            before = self.lists.get(name)
            if before and found != before:
                assert number(found) > number(before)
                assert found.last_update_utc > before.last_update_utc
            self.lists[name] = found
        self.made.add(self.lists["clients"].public_bytes(Encoding.PEM))

    def look_at_services(self) -> None:
        """Each renewed when two thirds of its life were over: neither later nor sooner."""
        for path in SERVICES:
            pem = (self.running.data / path).read_bytes()
            found = x509.load_pem_x509_certificates(pem[pem.index(b"-----BEGIN CERTIFICATE") :])[0]
            assert self.clock.now <= ripe(found) + timedelta(minutes=1), path
            before = self.services.get(path)
            if before and found != before:
                assert self.clock.now > ripe(before), path
                self.renewals[path] += 1
            self.services[path] = found

    def ask(self, device: str) -> tuple[str, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        return self.hand("ask", pem=make_csr(key=key).decode(), owner="alice", device=device)["id"], key

    def client(self, device: str) -> Client:
        """Asked for by alice, approved by bob before anybody told him of it."""
        with self.undisturbed():
            asked, key = self.ask(device)
            return self._written(device, key, self.hand("decide", id=asked, days=LIFE))

    def renewed(self, old: Client) -> Client:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self.hand("renew", id=old.id, pem=make_csr(key=key).decode())
        return self._written("renewed", key, made)

    def _written(self, name: str, key: ec.EllipticCurvePrivateKey, made: dict[str, str]) -> Client:
        file = Crowd(self.running, self.hand, self.folder).written(name, key, made["der"])
        return Client(made["id"], file)

    def opens(self, client: Client, address: tuple[str, int] | None = None) -> bool:
        """Whether the door answers, or who else serves at `address`."""
        context = client_context(client.file, self.running.data / "public/ca/servers-root.pem", TLS_1_3)
        context.verify_flags |= NO_CHECK_TIME
        host, port = address or self.running.door_address
        asking = f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode()
        try:
            with (
                socket.create_connection((host, port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                secure.sendall(asking)
                return secure.recv(15) == b"HTTP/1.1 200 OK"
        except OSError:
            return False

    def reason(self, client: Client) -> str:
        return str(self.hand("reason", id=client.id)["reason"])

    def listed(self, client: Client) -> bool:
        return self.lists["clients"].get_revoked_certificate_by_serial_number(client.serial) is not None


def ends(found: x509.CertificateRevocationList) -> datetime:
    assert found.next_update_utc
    return found.next_update_utc


def number(found: x509.CertificateRevocationList) -> int:
    return found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def ripe(found: x509.Certificate) -> datetime:
    return found.not_valid_before_utc + (found.not_valid_after_utc - found.not_valid_before_utc) * 2 / 3


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    (tmp_path / "clients").mkdir()
    (time := tmp_path / "data/web/time").mkdir(parents=True)  # the confined ones have to read the clock
    time.parent.chmod(0o700)
    clock = Clock(time)
    with mail_server() as post:
        mail = f"smtp://127.0.0.1:{post.port}/?tls=none"
        with up(tmp_path / "data", EMAIL_URL=mail, **clock.environment) as running:
            with hand(running.env, "tests.portal.life_hand") as hands:
                for name, role in (("alice", "requester"), ("bob", "officer"), ("dora", "administrator")):
                    hands("move_in", name=name, email=f"{name}@home.arpa", role=f"is_{role}")
                yield Household(running, hands, clock, post, tmp_path / "clients")
            assert "Traceback" not in running.said


def test_a_life_from_the_request_to_long_after_the_end(household: Household) -> None:
    home = household
    home.keep()
    phone, tablet, lost = (home.client(name) for name in ("phone", "tablet", "lost phone"))
    home.ask("forgotten")
    token = home.hand("invite")["token"]
    home.keep()
    assert all(map(home.opens, (phone, tablet, lost)))
    home.walk(2)
    home.hand("revoke", id=lost.id, reason="keyCompromise")
    home.keep()
    assert [home.opens(one) for one in (phone, lost)] == [True, False]
    assert home.listed(lost)
    home.walk(3 - HOUR)
    assert home.hand("invited", token=token) == {"said": ""}
    home.walk(3 + HOUR)
    assert "has lapsed" in home.hand("invited", token=token)["said"]
    home.walk(30 - HOUR)
    home.walk(30 + HOUR)
    home.walk(LIFE - 30 - HOUR)
    home.walk(LIFE - 30 + HOUR)
    renews(home, tablet, phone)
    ends_unrenewed(home, phone, lost)
    home.walk(245, LATER_STRIDE)
    assert not home.listed(lost) and not home.listed(tablet)
    home.keep(everything=True)  # pkilint over all certificates
    assert len(home.made) > 60
    assert lint.thorough(sorted(home.made)) == []
    assert list(home.renewals.values()) == [4, 1, 19, 19, 19]
    assert sorted(without_alarms(home.told)) == sorted(EXPECTED)
    assert len(home.told) == len(set(home.post.ids))
    weeks = {f"{at:%G-W%V}" for at in home.kept}  # nobody ever makes a backup
    for who in ("bob", "dora"):
        assert sum(one[1:] == (who, ALARM) for one in home.told) == len(weeks)


def renews(home: Household, tablet: Client, phone: Client) -> None:
    """Between its second and its third reminder; the old one lives until the new one was seen."""
    home.walk(LIFE - 14 - HOUR)
    home.walk(LIFE - 14 + HOUR)
    new = home.renewed(tablet)
    home.keep()
    home.walk(LIFE - 12)
    assert home.opens(tablet) and home.opens(new)
    assert home.reason(tablet) == ""
    assert home.opens(new, home.running.check_address)
    home.keep()
    assert home.reason(tablet) == "superseded"
    assert home.listed(tablet)
    assert [home.opens(one) for one in (phone, tablet, new)] == [True, False, True]


def ends_unrenewed(home: Household, phone: Client, lost: Client) -> None:
    for days in (7, 1, 0):
        home.walk(LIFE - days - HOUR)
        assert home.opens(phone)
        home.walk(LIFE - days + HOUR)
        assert home.opens(phone) == (days > 0)
    assert not home.listed(phone)
    assert home.listed(lost)


def without_alarms(told: Told) -> Told:
    return [(round(day), to, subject) for day, to, subject in told if subject != ALARM]
