"""Sixteen officers approve the same requests at the same time, on SQLite and on PostgreSQL.

It runs tests/enrollment/test_race.py in that size, once on each: settings read DATABASE_URL when they are
loaded, so each database has a process of its own.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests import postgres
from tests.soak.results import TOP, Outcome


def run_pytest(*words: str, **more: str) -> str:
    """pytest in a process of its own; its last line, or AssertionError with all it said."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    inherited.pop("DATABASE_URL", None)
    done = subprocess.run(command, env=inherited | more, cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def race(requests: int, url: str = "") -> None:
    """Raise AssertionError unless there are exactly as many certificates as requests."""
    where = {"DATABASE_URL": url} if url else {}
    run_pytest("tests/enrollment/test_race.py", RACE_REQUESTS=str(requests), **where)


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    """Half of it on each database; the second half is skipped where PostgreSQL is not installed."""
    del begin, folder
    half = max(1, count // 2)
    yield half, measured("SQLite", half)
    if postgres.programs() is None:
        yield half, Outcome(notes={"PostgreSQL": "is not installed here"})
        return
    with postgres.cluster() as url:
        yield half, measured("PostgreSQL", half, url)


def measured(name: str, requests: int, url: str = "") -> Outcome:
    """One race: each request, approved by sixteen at once, must give one certificate."""
    began = time.monotonic()
    try:
        race(requests, url)
    except AssertionError as error:
        return Outcome(requests, [f"{name}: {error}"[-1500:]])
    seconds = time.monotonic() - began
    return Outcome(requests, notes={name: f"{requests} requests, as many certificates, {seconds:.0f} s"})
