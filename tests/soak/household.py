"""A household that runs, with people in it and a phone that opens its door; and how its processes are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.start import pss
from tests.portal.door_clients import Crowd
from tests.portal.door_hand import Hand, hand
from tests.portal.running import Running, as_installed_by_make_run, children_of, up, wait_until
from tests.soak import web

PEOPLE = {
    "alice": ["requester"],
    "charlie": ["requester"],
    "bob": ["officer"],
    "erin": ["auditor"],
    "dora": ["administrator"],
}
BACK = 120  # seconds until everybody must be back: the supervisor waits up to thirty, the machine is busy


@dataclass
class House:
    running: Running
    hand: Hand
    folder: Path
    device: Path  # alice's phone: key and certificate

    def session(self, name: str) -> web.Line:
        """A browser in which this person has just signed in."""
        return web.portal(self.running, self.hand("session", name=name)["cookie"])

    def pids(self) -> dict[str, int]:
        """The process ids by name, of those that run."""
        return {**processes(self.running), "supervisor": self.running.process.pid}

    def memory(self) -> dict[str, int]:
        """PSS of each, KiB."""
        return {name: pss(pid) for name, pid in sorted(self.pids().items())}

    def is_well(self) -> str:
        """ "" when every face answers and the signer is there; otherwise what is not."""
        try:
            answer = web.portal(self.running).ask("GET", "/healthz")
            opened = web.door(self.running, self.device).ask("GET", "/")
            listed = web.status(self.running).ask("GET", "/crl/clients.crl")
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        said = answer.body.decode(errors="replace")
        well = said == "ok\nsigner up\n" and (opened.status, listed.status) == (200, 200)
        return "" if well else f"{said!r}, door {opened.status}, list {listed.status}"

    def wait_until_well(self, seconds: float = BACK) -> str:
        """As `is_well`, after some patience."""
        deadline = time.monotonic() + seconds
        while said := self.is_well():
            if time.monotonic() > deadline:
                return said
            time.sleep(0.2)
        return ""

    def tracebacks(self) -> int:
        """How often something was said that nobody foresaw."""
        return self.running.said.count("Traceback (most recent call last)")


def processes(running: Running) -> dict[str, int]:
    """Each child by what it listens to, or has beside; without those that are only just starting."""
    listens = {
        _inode(int(running.env[f"LATCHKEY_{name.upper()}_BIND"].rpartition(":")[2])): name
        for name in ("portal", "door", "status", "check")
    }
    found = {}
    for pid in children_of(running.process.pid):
        try:
            is_signer = b"pki.signer" in Path(f"/proc/{pid}/cmdline").read_bytes()
            name = "signer" if is_signer else _name(_sockets(pid), listens)
        except OSError:  # gone meanwhile
            continue
        if name:
            found[name] = pid
    return found


def _name(sockets: set[str], listens: dict[str, str]) -> str:
    """A fork has everything of its parent's for a moment; the dialler has the ends of many lines."""
    named = [listens[inode] for inode in sockets if inode in listens]
    if named or not sockets:
        return named[0] if len(named) == 1 else ""
    return "dialler" if len(sockets) > 2 else "housekeeping"


def _inode(port: int) -> str:
    """Of the socket that listens there (proc(5), /proc/net/tcp; state 0A is LISTEN)."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
            return fields[9]
    return ""


def _sockets(pid: int) -> set[str]:
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


@contextmanager
def household(folder: Path, **more: str) -> Iterator[House]:
    """`manage.py up` over an empty folder, moved into. `more` environment."""
    with _started(folder, **more) as (running, helping):
        helping("move_in", people=PEOPLE)
        (folder / "devices").mkdir()
        device = Crowd(running, helping, folder / "devices").good("phone", "alice")
        helping("install_door", owner="alice")
        house = House(running, helping, folder, device)
        wait_until(lambda: not house.is_well(), BACK, "everything answers")
        yield house


@contextmanager
def reopened(before: House, **more: str) -> Iterator[House]:
    """The same household, started again over its folder."""
    with _started(before.folder, **more) as (running, helping):
        house = House(running, helping, before.folder, before.device)
        wait_until(lambda: not house.is_well(), BACK, "everything answers")
        yield house


@contextmanager
def _started(folder: Path, **more: str) -> Iterator[tuple[Running, Hand]]:
    without = folder / "without"
    made = {"PYTHONPATH": str(without)} if without.exists() else as_installed_by_make_run(without)
    if path := more.pop("PYTHONPATH", ""):
        made["PYTHONPATH"] += f":{path}"
    with up(folder / "data", **made, **more) as running, hand(running.env, "tests.soak.hand") as helping:
        try:
            yield running, helping
        finally:
            running.process.terminate()
            running.process.wait(BACK)  # with more patience than a test has
