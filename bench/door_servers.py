"""What bench/door.py puts beside each other: our door in process, behind nginx, and two peers. All pinned to
the same processor, so that a rate is one per core."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.start import pss
from tests.portal import nginx as behind
from tests.portal.running import Running, free_port, up, wait_until

TOP = Path(__file__).resolve().parent.parent
CORE = 0
TICK = 1000 / os.sysconf("SC_CLK_TCK")  # milliseconds


@dataclass(frozen=True)
class Server:
    """`pids`: all processes that serve; `device`: the file of a client it lets in."""

    port: int
    pids: tuple[int, ...]
    device: Path

    def cpu(self) -> float:
        """Milliseconds so far, of all processes together (proc_pid_stat(5))."""
        return sum(cpu(pid) for pid in self.pids)

    def memory(self) -> float:
        """PSS in MiB."""
        return sum(pss(pid) for pid in self.pids) / 1024


def cpu(pid: int) -> float:
    """Milliseconds, with those of its children that are over."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) * TICK


def pin(pids: tuple[int, ...], core: int) -> None:
    """Every thread of theirs to one processor."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def tree(pid: int) -> tuple[int, ...]:
    """It and its children."""
    return (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@contextmanager
def instance(folder: Path, **more: str) -> Iterator[tuple[Running, Path]]:
    """Latchkey with a person and doors in it, and that person's device."""
    folder.mkdir(parents=True, exist_ok=True)
    with up(folder / "data", **more) as running:
        device = folder / "device.pem"
        command = [sys.executable, "-m", "bench.door_child", str(device)]
        subprocess.run(command, env=running.env, cwd=TOP, check=True, stdout=subprocess.DEVNULL, timeout=60)
        yield running, device


def door_process(running: Running) -> int:
    """The process id of the face that holds the door's listening socket, besides the supervisor."""
    bind = running.env["LATCHKEY_DOOR_BIND"]
    wanted = {f"socket:[{inode}]" for inode in _inodes(bind)}
    for pid in running.children().values():
        if wanted & {os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}:
            return pid
    raise RuntimeError(f"nobody listens at {bind}")


def _inodes(bind: str) -> list[str]:
    """Of the sockets that are bound to it (proc_net(5))."""
    if bind.startswith("unix:"):
        rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
        return [row[6] for row in rows if row[-1] == bind.removeprefix("unix:")]
    port = f":{int(bind.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return [row[9] for row in rows if row[1].endswith(port) and row[3] == "0A"]


@contextmanager
def in_process(folder: Path, **more: str) -> Iterator[tuple[Server, Running]]:
    with instance(folder, **more) as (running, device):
        port = int(running.env["LATCHKEY_DOOR_BIND"].rpartition(":")[2])
        yield Server(port, (door_process(running),), device), running


@contextmanager
def behind_nginx(folder: Path, **more: str) -> Iterator[Server]:
    socket, port = folder / "door" / "door.sock", free_port()
    socket.parent.mkdir(parents=True)
    with instance(folder, LATCHKEY_DOOR_BIND=f"unix:{socket}", **more) as (running, device):
        block = behind.door_block(running.data, socket, port)
        with behind.nginx(folder / "nginx", block, port) as master:
            yield Server(port, (*tree(master), door_process(running)), device)


@contextmanager
def node(data: Path, device: Path) -> Iterator[Server]:
    """The peer in bench/door_peer.js, with the certificates of the Latchkey in `data`."""
    port = free_port()
    script, server, clients = (
        TOP / "bench/door_peer.js",
        data / "web/tls/portal.pem",
        data / "public/ca/clients.pem",
    )
    command = ["node", str(script), str(port), str(server), str(clients)]
    with _ended(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield Server(port, (process.pid,), device)


@contextmanager
def trivial(folder: Path, data: Path, device: Path) -> Iterator[Server]:
    """nginx as in front of our door, and behind it gunicorn with the least of all applications."""
    socket, port = folder / "trivial" / "door.sock", free_port()
    socket.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{socket}", "--threads", "4"]
    command += ["--no-control-socket", "bench.door_trivial"]
    block = behind.door_block(data, socket, port)
    with (
        _ended(subprocess.Popen(command, cwd=TOP, stderr=subprocess.DEVNULL)) as process,
        behind.nginx(folder / "trivial" / "nginx", block, port) as master,
    ):
        wait_until(lambda: socket.exists() and len(tree(process.pid)) > 1, 10, "gunicorn listens")
        yield Server(port, (*tree(master), *tree(process.pid)), device)


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with process:
        try:
            yield process
        finally:
            process.terminate()
