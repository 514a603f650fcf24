"""The door: a full handshake with a client certificate and a page, and from a press to the message at home.

Beside it in turns, all on the same processor, four clients at a time on another one: what households built
before (Node's https and a static form), and nginx with the least application behind it.

The ratios compare visits per second of the servers' own processor time. Where nothing else runs that is the
rate itself, as each server has one processor to itself; elsewhere the rate says who else was there.

Node's whole visit takes 1.25 ms on the machine where this was written. nginx alone takes 0.83 of them for the
handshake, and gunicorn with an application that does nothing 0.2: to be as fast as Node behind nginx leaves
0.2 ms for the certificate, the account, the doors and the page, as much as Django takes for an empty one. So
there is a second yardstick for that: the same nginx with the least of all applications.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import door_press
from bench.door_servers import CORE, TOP, Server, behind_nginx, in_process, node, pin, trivial

CLIENTS, ROUNDS, SECONDS = 4, 7, 0.9
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"  # where Debian puts servers
Row = tuple[str, str, str, str]


@dataclass
class Figures:
    """Of one server, over all rounds."""

    rates: list[float] = field(default_factory=list)  # visits per second
    times: list[float] = field(default_factory=list)  # milliseconds of each visit
    cpu: float = 0  # milliseconds that the server worked for all of them
    clients: list[float] = field(default_factory=list)  # share of their processor that the clients used
    memory: float = 0  # PSS, MiB

    @property
    def per_core(self) -> float:
        """Visits per second of processor time."""
        return len(self.times) / self.cpu * 1000

    def said(self) -> str:
        p99 = statistics.quantiles(self.times, n=100)[98]
        return (
            f"{self.per_core:.0f}/s a core ({statistics.median(self.rates):.0f}/s here), "
            f"p50 {statistics.median(self.times):.1f} ms, p99 {p99:.1f} ms, {self.memory:.0f} MiB, "
            f"clients {statistics.median(self.clients):.0%} busy"
        )


@contextmanager
def clients(device: Path) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "bench.door_load", str(device)]
    started = [
        subprocess.Popen(command, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(CLIENTS)
    ]
    try:
        pin(tuple(client.pid for client in started), CORE + 1)
        yield started
    finally:
        for client in started:
            client.kill()
            client.wait()


def load(visitors: list[subprocess.Popen[str]], server: Server, seconds: float, figures: Figures) -> None:
    """One round: all visitors at once."""
    before = server.cpu()
    for visitor in visitors:
        assert visitor.stdin is not None
        visitor.stdin.write(f"{server.port} {seconds}\n")
        visitor.stdin.flush()
    told = [json.loads(visitor.stdout.readline()) for visitor in visitors if visitor.stdout]
    times = [time for one in told for time in one["times"]]
    figures.times += times
    figures.rates.append(len(times) / seconds)
    figures.cpu += server.cpu() - before
    figures.clients.append(sum(one["cpu"] for one in told) / (seconds * 1000))
    figures.memory = max(figures.memory, server.memory())


def measured(servers: dict[str, Server]) -> dict[str, Figures]:
    found = {name: Figures() for name in servers}
    with ExitStack() as stack:
        visitors = {name: stack.enter_context(clients(server.device)) for name, server in servers.items()}
        for name, server in servers.items():
            pin(server.pids, CORE)
            load(visitors[name], server, 0.5, Figures())  # warm
        for _ in range(ROUNDS):
            for name, server in servers.items():
                load(visitors[name], server, SECONDS, found[name])
    return found


def handshakes(folder: Path) -> list[Row]:
    with ExitStack() as stack:
        ours, running = stack.enter_context(in_process(folder / "ours"))
        servers = {"ours": ours, "nginx": stack.enter_context(behind_nginx(folder / "nginx"))}
        servers["node"] = stack.enter_context(node(running.data, ours.device))
        servers["least"] = stack.enter_context(trivial(folder, running.data, ours.device))
        found = measured(servers)
    peer, inside, behind, least = (found[name] for name in ("node", "ours", "nginx", "least"))
    return [
        ("handshake + page: Node's https, a static form", peer.said(), "1", ""),
        ("the same: our door in process", inside.said(), beside(inside, peer), ">= 0.7"),
        ("the same: our door behind nginx", behind.said(), beside(behind, peer), ">= 1.0"),
        ("the same: nginx and the least application", least.said(), beside(least, peer), ""),
        ("our door behind nginx, beside that", "", beside(behind, least), ">= 0.5"),
        (
            "memory of our door in process",
            f"{inside.memory:.0f} MiB",
            lighter(inside, peer),
            "<= 0.5 of Node",
        ),
        ("memory behind nginx, with it", f"{behind.memory:.0f} MiB", lighter(behind, peer), "<= 0.5 of Node"),
    ]


def beside(ours: Figures, theirs: Figures) -> str:
    return f"{ours.per_core / theirs.per_core:.2f}"


def lighter(ours: Figures, theirs: Figures) -> str:
    return f"{ours.memory / theirs.memory:.2f}"


def rows() -> list[Row]:
    missing = [name for name in ("node", "nginx", "mosquitto") if not shutil.which(name, path=PATH)]
    if missing:
        return [("the door", f"needs {', '.join(missing)}: `make test` installs them", "-", "")]
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
        return handshakes(Path(folder)) + door_press.rows(Path(folder) / "press")


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")
