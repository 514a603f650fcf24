"""Edits and truncations of the audit trail, in the database of a household that has done a few things.

Verification is that of `manage.py verify_audit`: the chain, and the heads that the revocation lists carried
away. Who truncates cleverly, and puts the stored head back as well, is found by the latter alone.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.soak.household import household
from tests.soak.results import TOP, Outcome

PIECE = 500  # changes


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    with household(folder) as house:
        for number in range(12):
            house.hand("device", owner="alice", device=f"phone {number}")
        house.hand("publish")
        env = house.running.env
    for start in range(begin, begin + count, PIECE):
        size = min(PIECE, begin + count - start)
        yield size, changed(env, folder / "data/web/latchkey.sqlite3", start, size)


def changed(env: dict[str, str], database: Path, begin: int, count: int) -> Outcome:
    """These changes, each to a fresh copy of the database's lines, each verified in one child process."""
    command = [sys.executable, "-m", "tests.soak.trail_child", str(begin), str(count)]
    done = subprocess.run(command, env={**os.environ, **env}, cwd=TOP, capture_output=True, text=True)
    if done.returncode:
        return Outcome(count, [f"verification did not survive: {done.stderr[-1500:]}"])
    missed = done.stdout.splitlines()
    with closing(sqlite3.connect(database)) as open_one:
        (lines,) = open_one.execute("SELECT count(*) FROM audit_auditevent").fetchone()
    return Outcome(count, missed, notes={"lines in the trail": str(lines)})
