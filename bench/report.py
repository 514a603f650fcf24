"""The table of docs/PERFORMANCE.md, from the last run of each benchmark."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tests.soak.results import TOP, commit, machine

PAGE = TOP / "docs" / "PERFORMANCE.md"
FOLDER = TOP / "var" / "bench"
BEGIN, END = "<!-- begin: python -m bench --report -->", "<!-- end -->"
Row = Sequence[str]


def keep(name: str, rows: Iterable[Row]) -> None:
    """Write down what one benchmark measured, in place of what it measured before."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = {
        "rows": [list(row) for row in rows],
        "day": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(kept, indent=1))


def write(names: Iterable[str]) -> None:
    """Put the tables into the page, between its two marks."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{_tables(names)}{END}{after}")


def _tables(names: Iterable[str]) -> str:
    text = ""
    for name in names:
        file = FOLDER / f"{name}.json"
        if not file.exists():
            text += f"**{name}**: not measured yet.\n\n"
            continue
        kept = json.loads(file.read_text())
        rows = "\n".join(f"| {' | '.join(row)} |" for row in kept["rows"])
        text += f"**{name}**, {kept['day']}, at {kept['commit']}, {kept['machine']}\n\n"
        text += f"| what | value | ratio | target |\n|---|--:|--:|--:|\n{rows}\n\n"
    return text
