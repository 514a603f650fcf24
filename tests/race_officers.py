"""Sixteen officers approve the same requests at the same time, on SQLite and on PostgreSQL.

    python -m tests.race_officers [requests, 500 unless told]

It runs tests/enrollment/test_race.py in that size, once on each: settings read DATABASE_URL when they are
loaded, so each database has a process of its own.
"""

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from tests import postgres

TOP = Path(__file__).resolve().parent.parent


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


def main(requests: int) -> None:
    """Both races, each with its line."""
    for name, database in (("SQLite", nullcontext("")), ("PostgreSQL", postgres.cluster())):
        with database as url:
            began = time.monotonic()
            race(requests, url)
        print(
            f"{name}: 16 officers, {requests} requests, {requests} certificates,"
            f" {time.monotonic() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
