"""What the lines found: one JSON line for each piece of work, so that a run may end and go on later."""

import json
import os
import platform
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
FILE = TOP / "var" / "soak" / "results.jsonl"
SAID = 5  # sentences of what was lost that are kept of each piece


@dataclass
class Outcome:
    """One piece of a line: how many things were tried, and a sentence for each that was not survived.

    `counts` are added up over all pieces; `notes` are figures of this piece. `skipped` says why nothing was
    tried on this machine.
    """

    tried: int = 0
    lost: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    notes: dict[str, str] = field(default_factory=dict)
    skipped: str = ""

    @property
    def failed(self) -> int:
        """How many of those tried: one may be lost in more than one way."""
        return min(self.tried, len(self.lost))


@dataclass
class Total:
    """All pieces of one line."""

    done: int = 0  # numbers of the line that are used up
    tried: int = 0
    survived: int = 0
    lost: int = 0
    seconds: float = 0.0
    why: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    notes: dict[str, str] = field(default_factory=dict)
    skipped: str = ""
    commits: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    machines: list[str] = field(default_factory=list)


def keep(line: str, numbers: tuple[int, int], outcome: Outcome, seconds: float, file: Path = FILE) -> None:
    """Append one piece: it used the numbers from the first to before the second."""
    written = {
        "line": line,
        "numbers": numbers,
        "tried": outcome.tried,
        "survived": outcome.tried - outcome.failed,
        "lost": outcome.failed,
        "why": outcome.lost[:SAID],
        "counts": outcome.counts,
        "notes": outcome.notes,
        "skipped": outcome.skipped,
        "seconds": round(seconds, 1),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lines:
        lines.write(json.dumps(written) + "\n")


def totals(file: Path = FILE) -> dict[str, Total]:
    """Each line that was begun, added up."""
    found: dict[str, Total] = {}
    for text in file.read_text().splitlines() if file.exists() else ():
        piece = json.loads(text)
        _add(found.setdefault(piece["line"], Total()), piece)
    return found


def _add(total: Total, piece: dict[str, Any]) -> None:
    total.done = max(total.done, piece["numbers"][1])
    for name in ("tried", "survived", "lost", "seconds"):
        setattr(total, name, getattr(total, name) + piece[name])
    total.why = (total.why + piece["why"])[:SAID]
    total.counts.update(piece["counts"])
    total.notes |= piece["notes"]
    total.skipped = piece["skipped"]
    for kept, new in (
        (total.commits, piece["commit"]),
        (total.days, piece["at"][:10]),
        (total.machines, piece["machine"]),
    ):
        if new not in kept:
            kept.append(new)


@cache
def commit() -> str:
    """The short name of what was checked out when this run began; "unknown" outside of a repository."""
    done = subprocess.run(
        ["git", "rev-parse", "--short=8", "HEAD"], cwd=TOP, capture_output=True, text=True, timeout=10
    )
    return done.stdout.strip() or "unknown"


def machine() -> str:
    """Processor, kernel and Python, as they stand under the table."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {system}, Python {platform.python_version()}"
