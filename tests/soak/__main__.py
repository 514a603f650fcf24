"""`make soak`: the lines one after the other, each until its amount is done; or `--report`.

    python -m tests.soak [--only NAME[,NAME…]] [--scale 0.01] [--seconds 3600] [--report]

Without a scale a line goes on where the last run ended, until its whole amount is done. With one, this part
of the amount is done now, with numbers that were not used before. To begin anew remove var/soak/.
"""

import argparse
import importlib
import math
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from tests.soak import report, results
from tests.soak.lines import LINES, Line


def work(line: Line, begin: int, count: int, deadline: float) -> results.Total:
    """Do `count` of a line, beginning with number `begin`; every piece is written down when it is done."""
    results.commit()
    module, at = importlib.import_module(f"tests.soak.{line.name}"), begin
    this_run = results.Total()
    with tempfile.TemporaryDirectory(prefix=f"soak-{line.name}-") as folder:
        begun = time.monotonic()
        for used, outcome in module.run(begin, count, Path(folder)):
            now = time.monotonic()
            results.keep(line.name, (at, at + used), outcome, now - begun)
            at, begun = at + used, now
            this_run.tried += outcome.tried
            this_run.lost += outcome.failed
            this_run.why += outcome.lost[: results.SAID]
            this_run.skipped = outcome.skipped
            this_run.notes |= outcome.notes
            if now > deadline:
                break
    return this_run


def amount(line: Line, scale: float | None, done: int) -> int:
    """How much of it this run does."""
    if scale is not None:
        return max(1, math.ceil(line.full * scale))
    return max(0, line.full - done)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--only", default="")
    parser.add_argument("--scale", type=float)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--report", action="store_true")
    wanted = parser.parse_args()
    if wanted.report:
        report.write()
        return
    django.setup()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell has what runs in the background ignore SIGINT
        signal.signal(number, lambda *_: sys.exit(1))
    deadline = time.monotonic() + wanted.seconds
    names = [name for name in wanted.only.split(",") if name] or list(LINES)
    if unknown := set(names) - set(LINES):
        parser.error(f"no such line: {', '.join(sorted(unknown))}. There are: {', '.join(LINES)}")
    lost = sum(_one(LINES[name], wanted.scale, deadline) for name in names)
    raise SystemExit(1 if lost else 0)


def _one(line: Line, scale: float | None, deadline: float) -> int:
    before = results.totals().get(line.name, results.Total())
    count = amount(line, scale, before.done)
    if not count or time.monotonic() > deadline:
        print(f"{line.name}: {'done already' if not count else 'no time left'}", flush=True)
        return 0
    found = work(line, before.done, count, deadline)
    said = f"tried {found.tried:,}, survived {found.tried - found.lost:,}, lost {found.lost:,}"
    print(f"{line.name}: {found.skipped or said}", *found.why, sep="\n    ", flush=True)
    for name, text in found.notes.items():
        print(f"    {name}: {text}", flush=True)
    return found.lost


if __name__ == "__main__":
    main()
