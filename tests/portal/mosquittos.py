"""The two brokers of docs/brokers.md: the files of `manage.py mosquitto`, set up as its READMEs say."""

import contextlib
import getpass
import os
import shutil
import signal
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.core.management import call_command

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest
from enrollment.views.downloads import FORMS
from pki import csr
from pki.models import Certificate
from tests.door.broker import MOSQUITTO, WITHIN
from tests.enrollment.acts import HERE
from tests.portal.running import free_port, wait_until

RUNNING = " running\n"  # the end of the line that Mosquitto logs when it listens


@dataclass
class Broker:
    """Mosquitto with the configuration that was installed at `etc`."""

    etc: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def own(self) -> Path:
        return self.etc / "latchkey"

    @property
    def log(self) -> str:
        return (self.etc / "log").read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        with (self.etc / "log").open("ab") as log:
            before = self.log.count(RUNNING)
            command = [MOSQUITTO, "-c", str(self.etc / "mosquitto.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: self._runs_since(before), WITHIN, "mosquitto runs")

    def _runs_since(self, before: int) -> bool:
        """Whether all its listeners are there."""
        assert self.process is not None and self.process.poll() is None, self.log
        return self.log.count(RUNNING) > before

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(WITHIN)
            self.process = None


@dataclass
class Household:
    """A pair, and the people who ask for certificates and approve them."""

    folder: Path
    alice: User
    bob: User
    # In all names: the signer outlives a test, and gives nobody a name that was somebody else's.
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    portal: Broker = field(init=False)
    home: Broker = field(init=False)

    def __post_init__(self) -> None:
        self.portal = Broker(self.folder / "portal-etc", free_port())
        self.home = Broker(self.folder / "home-etc", free_port())

    def write(self, *words: str) -> None:
        """The command, with the ports and folders of this test; then what the READMEs say, up to the keys."""
        options = [f"--folder={self.folder / 'written'}", f"--user={getpass.getuser()}", "--host=localhost"]
        options += [f"--port={self.portal.port}", f"--home-port={self.home.port}"]
        options += [f"--etc={self.portal.etc}", f"--home-etc={self.home.etc}"]
        with (self.folder / "said").open("w") as said:
            call_command("mosquitto", *options, *words, stdout=said)
        homes = self.folder / "written" / "home"
        home = next(found for found in (homes / self.named("home") / "etc", homes / "etc") if found.exists())
        for source, broker in ((self.folder / "written/portal/etc", self.portal), (home, self.home)):
            shutil.copytree(source, broker.etc, dirs_exist_ok=True)

    def named(self, name: str) -> str:
        return f"{name}-{self.mark}"

    def set_up(self) -> None:
        """Files written, keys made, certificates issued."""
        self.write()
        self.certify(self.portal, self.named("portal-broker"))
        self.certify(self.home, self.named("home"))

    def certify(self, broker: Broker, device: str) -> Certificate:
        """The broker makes its key and asks, somebody approves, and the certificate goes where it belongs."""
        script = broker.own / "make-csr.sh"
        made = subprocess.run(["sh", script], capture_output=True, check=True, timeout=30)
        profile = "mqtt-broker" if broker is self.portal else "mqtt-client"
        sans = ("localhost", "127.0.0.1") if broker is self.portal else ()
        item = self.issue(made.stdout, device, profile, sans)
        assert item.certificate is not None
        (broker.own / "broker.pem").write_bytes(FORMS["chain.pem"][2](item.certificate))
        return item.certificate

    def issue(
        self, pem: bytes, device: str, profile: str = "mqtt-client", sans: tuple[str, ...] = ()
    ) -> CertificationRequest:
        parsed = csr.parse(pem)
        asked = ra.submit(
            by=self.alice, address=HERE, csr=parsed, profile=profile, device=device, sans=list(sans)
        )
        return ra.approve(request=asked, by=self.bob, address=HERE)

    def device(self, name: str, profile: str = "mqtt-client") -> tuple[Path, Path]:
        """Certificate with chain, and key, of a device that is no broker."""
        folder = self.folder / name
        folder.mkdir()
        key, request = folder / "device.key", folder / "device.csr"
        command = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x"
        subprocess.run(
            [*command.split(), "-keyout", key, "-out", request], check=True, capture_output=True, timeout=30
        )
        item = self.issue(request.read_bytes(), self.named(name), profile)
        assert item.certificate is not None
        (folder / "device.pem").write_bytes(FORMS["chain.pem"][2](item.certificate))
        return folder / "device.pem", key

    def context(self, certificate: Path, key: Path | None = None) -> ssl.SSLContext:
        """For a client of the portal's broker."""
        context = ssl.create_default_context(cafile=str(self.portal.own / "ca.pem"))
        context.load_cert_chain(certificate, key)
        return context

    def refresh(self) -> str:
        """What systemd runs when the list or the rules have changed; gives what it said."""
        public = Path(os.environ["LATCHKEY_DATA"]) / "public"
        script = self.portal.own / "latchkey-broker-refresh"
        command = ["sh", script, public, getpass.getuser(), self.portal.own]
        marks = {name: f"echo {name} >> {self.folder}/told" for name in ("RELOAD", "RESTART")}
        done = subprocess.run(command, env=os.environ | marks, capture_output=True, text=True, timeout=30)
        told = self.folder / "told"
        words = told.read_text().split() if told.exists() else []
        told.unlink(missing_ok=True)
        if "RELOAD" in words:
            self.portal.send(signal.SIGHUP)
        if "RESTART" in words:
            self.portal.stop()
            self.portal.start()
        return f"{' '.join(words)} {done.stderr}".strip()


@contextlib.contextmanager
def household(folder: Path, alice: User, bob: User) -> Iterator[Household]:
    """Nothing is written or started yet; both brokers are stopped at the end."""
    made = Household(folder, alice, bob)
    try:
        yield made
    finally:
        made.portal.stop()
        made.home.stop()
