"""The lists of certificates with a million rows: first page, further down, and searched; on both databases.

Each size has a process and a database of its own; they are asked in turn, so that both see the same weather.
With SQLite it is processor time, as all of it happens in that process; with PostgreSQL time on the clock.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.pages import ROOT, ask
from tests.postgres import cluster, programs

SMALL, LARGE = 100, int(os.environ.get("BENCH_CERTIFICATES", "1000000"))
ROUNDS = 40
Row = tuple[str, str, str, str]


@contextmanager
def child(size: int, database: str) -> Iterator[subprocess.Popen[str]]:
    """A process over a new database; `database` is a DATABASE_URL, or "" for SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("LATCHKEY_", "DATABASE_"))}
        environment |= {"LATCHKEY_DATA": folder, "LATCHKEY_HOSTS": "testserver", "PYTHONPATH": str(ROOT)}
        environment |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        environment |= {"DATABASE_URL": database} if database else {}
        command = [sys.executable, "-m", "bench.certificates_child", str(size)]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=environment
        ) as process:
            try:
                yield process
            finally:
                process.terminate()


def measure(database: str) -> list[Row]:
    with ExitStack() as stack:
        small = stack.enter_context(child(SMALL, "" if not database else stack.enter_context(cluster())))
        large = stack.enter_context(child(LARGE, database))
        for process in (small, large):
            assert process.stdout is not None
            names: list[str] = json.loads(process.stdout.readline())  # the large one comes last
        times: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for name in [*names, "timeline"]:
                times.setdefault(name, []).append(ask(large, name))
            times.setdefault("few", []).append(ask(small, "by end"))
    return list(_table(times, "PostgreSQL" if database else "SQLite"))


def _table(times: dict[str, list[float]], database: str) -> Iterator[Row]:
    """Each list once: its first page beside that of a hundred, and the worst page further down beside it."""
    few = statistics.median(times.pop("few")[3:])
    for name in [name for name in times if ", " not in name]:
        half = statistics.median(times[name][3:])
        value = f"{half:.1f} ms with {LARGE:,}, the first list with {SMALL} {few:.1f} ms"
        target = "<= 3" if name.startswith(("a word", "a person")) else "<= 1.5"  # many fit: looked through
        yield f"{database}: {name}", value, f"{half / few:.2f}", target
        deep = [_p99(taken) for other, taken in times.items() if other.startswith(f"{name}, ")]
        if deep:
            first = _p99(times[name])
            value = f"p99 {max(deep):.1f} ms, first page {first:.1f} ms"
            yield f"{database}: {name}, far down", value, f"{max(deep) / first:.2f}", "<= 1.3"


def _p99(taken: list[float]) -> float:
    return statistics.quantiles(taken[3:], n=100)[98]


def rows() -> list[Row]:
    found = measure("")
    if programs():
        with cluster() as url:
            found += measure(url)
    return found
