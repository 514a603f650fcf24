"""Start to ready, first and again, and the memory of everything at rest; beside a bare Django start and three
separate Django processes, in the same run."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.portal.running import Running, as_installed_by_make_run, environment, up

BARE = "import django; django.setup(); from portal import urls"
REST = 5  # seconds until everybody has settled


def pss(pid: int) -> int:
    """Proportional set size in KiB: shared pages counted by share (proc_pid_smaps_rollup(5))."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def seconds_to_ready(data: Path) -> float:
    begun = time.perf_counter()
    with up(data):
        return time.perf_counter() - begun


def seconds_bare(data: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE], env=environment(data), check=True, timeout=60)
    return time.perf_counter() - begun


def separate(data: Path) -> int:
    """KiB of three Django processes that share nothing but the files they map."""
    command = [sys.executable, "-c", f"{BARE}; print('up', flush=True); import time; time.sleep(60)"]
    children = [
        subprocess.Popen(command, env=environment(data), stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    try:
        for child in children:
            assert child.stdout is not None and child.stdout.readline()
        return sum(pss(child.pid) for child in children)
    finally:
        for child in children:
            child.kill()
            child.wait()


def named(running: Running) -> dict[str, int]:
    """KiB of each process: the supervisor, the signer, the faces and housekeeping."""
    children = {pid: name for name, pid in running.children().items()}
    return {
        children.get(pid, "supervisor" if pid == running.process.pid else f"pid {pid}"): pss(pid)
        for pid in running.everybody()
    }


def rows() -> list[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        first = seconds_to_ready(data)
        bare, again = [], []
        for _ in range(3):
            bare.append(seconds_bare(data))
            again.append(seconds_to_ready(data))
        with up(data, **as_installed_by_make_run(data.parent / "without")) as running:
            time.sleep(REST)
            memory = named(running)
            apart = separate(data)
    start, yardstick, total = statistics.median(again), statistics.median(bare), sum(memory.values())
    each = ", ".join(f"{name} {kib // 1024}" for name, kib in sorted(memory.items()))
    return [
        (
            "first start to ready, three authorities made",
            f"{first:.1f} s",
            f"{first / yardstick:.1f} bare starts",
            "<= 6 s",
        ),
        (
            "start to ready",
            f"{start:.1f} s (bare Django {yardstick:.1f} s)",
            f"{start / yardstick:.1f}",
            "<= 3 s",
        ),
        (
            f"idle memory, PSS of {len(memory)} processes",
            f"{total / 1024:.0f} MiB ({each})",
            f"{total / apart:.2f} of three Djangos",
            "<= 160 MB",
        ),
    ]
