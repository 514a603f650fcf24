"""`manage.py up` as a child process on free ports, over a folder of its own."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

READY = 30  # seconds
GONE = 10  # seconds
HOSTS = "portal.home.arpa 192.168.7.7"


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path, **more: str) -> dict[str, str]:
    """A clean environment with ports of our own on the loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LATCHKEY_")}
    kept.pop("DATABASE_URL", None)
    ours = {
        "LATCHKEY_DATA": str(data),
        "LATCHKEY_HOSTS": HOSTS,
        "LATCHKEY_PORTAL_BIND": f"127.0.0.1:{free_port()}",
        "LATCHKEY_DOOR_BIND": f"127.0.0.1:{free_port()}",
        "LATCHKEY_CHECK_BIND": f"127.0.0.1:{free_port()}",
        "LATCHKEY_STATUS_BIND": f"127.0.0.1:{free_port()}",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    return kept | ours | more


def as_installed_by_make_run(folder: Path) -> dict[str, str]:
    """An environment without Pillow: the tests have it, and qrcode then loads eight megabytes of it."""
    folder.mkdir()
    (folder / "PIL.py").write_text("raise ImportError('only the tests have it')\n")
    return {"PYTHONPATH": str(folder)}


def manage(*words: str, env: dict[str, str], seconds: float = 30) -> subprocess.CompletedProcess[str]:
    """A command of manage.py, to its end."""
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=seconds
    )


def sentence(*words: str, env: dict[str, str]) -> str:
    """What a command that fails says; a traceback is no sentence."""
    done = manage(*words, env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@dataclass
class Running:
    process: subprocess.Popen[str]
    env: dict[str, str]
    output: Path

    @property
    def data(self) -> Path:
        return Path(self.env["LATCHKEY_DATA"])

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def address(self) -> tuple[str, int]:
        return self._address("LATCHKEY_PORTAL_BIND")

    @property
    def door_address(self) -> tuple[str, int]:
        return self._address("LATCHKEY_DOOR_BIND")

    @property
    def check_address(self) -> tuple[str, int]:
        return self._address("LATCHKEY_CHECK_BIND")

    def _address(self, name: str) -> tuple[str, int]:
        host, _, port = self.env[name].rpartition(":")
        return host, int(port)

    def context(self) -> ssl.SSLContext:
        """Trusts the servers root and nothing else."""
        return ssl.create_default_context(cafile=str(self.data / "public/ca/servers-root.pem"))

    def get(self, path: str, seconds: float = 5) -> tuple[int, str]:
        """Over TLS that is verified for `localhost`."""
        url = f"https://localhost:{self.address[1]}{path}"
        with urllib.request.urlopen(url, context=self.context(), timeout=seconds) as answer:
            return answer.status, answer.read().decode()

    def status_face(self, path: str) -> bytes:
        url = f"http://{self.env['LATCHKEY_STATUS_BIND']}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bytes(answer.read())

    def leaf(self) -> bytes:
        """The certificate it serves, DER."""
        with secured(self) as secure:
            return secure.getpeercert(True) or b""

    def children(self) -> dict[str, int]:
        """Process ids of the signer, of the dialler, which is not confined either, and of the others."""
        found = {}
        for number, pid in enumerate(children_of(self.process.pid)):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            confined = "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()
            name = f"child-{number}" if confined else "dialler"
            found["signer" if b"pki.signer" in words else name] = pid
        return found

    def main_processes(self) -> set[int]:
        """Without the short-lived linter."""
        return {self.process.pid, *self.children().values()}

    def everybody(self) -> set[int]:
        """All processes below, and itself."""
        found, waiting = set(), [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.add(pid)
            waiting += children_of(pid)
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(GONE)


@contextlib.contextmanager
def secured(running: Running, context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
    """A TLS connection to the portal."""
    trusting = context or running.context()
    with (
        socket.create_connection(running.address, timeout=5) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        yield secure


def children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie waits for somebody to look, it does not run."""
    left = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                left.add(pid)
    return left


@contextlib.contextmanager
def up(data: Path, command: str = "up", **more: str) -> Iterator[Running]:
    """Started and ready; whatever is left at the end is killed."""
    env = environment(data, **more)
    output = data.parent / f"{data.name}.log"
    with output.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", command],
            env=env,
            cwd=settings.BASE_DIR,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    running = Running(process, env, output)
    family: set[int] = set()
    try:
        wait_until(lambda: "Ctrl-C" in running.said or process.poll() is not None, READY, "ready")
        assert process.poll() is None, running.said
        family = running.everybody()
        yield running
    finally:
        family |= running.everybody() if process.poll() is None else set()
        if process.poll() is None:
            running.end()
        for pid in alive(family):
            os.kill(pid, signal.SIGKILL)
