"""The table of docs/RELIABILITY.md, from what the runs wrote down."""

from tests.soak import results
from tests.soak.lines import LINES, Line
from tests.soak.results import Total

PAGE = results.TOP / "docs" / "RELIABILITY.md"
BEGIN, END = "<!-- begin: python -m tests.soak --report -->", "<!-- end -->"


def table(totals: dict[str, Total]) -> str:
    """One row a line, and under it where and when that was."""
    rows = ["| `ONLY=` | what | tried | survived | lost |", "|---|---|--:|--:|--:|"]
    rows += [_row(line, totals.get(line.name, Total())) for line in LINES.values()]
    return "\n".join([*rows, "", *_details(totals), *_where(totals)])


def _row(line: Line, total: Total) -> str:
    if total.skipped:
        return f"| {line.name} | {line.title} | skipped: {total.skipped} | | |"
    if not total.tried:
        return f"| {line.name} | {line.title} | not run yet | | |"
    short = f" of {line.full:,}" if total.tried < line.full else ""
    tried = f"{total.tried:,}{short} {line.unit}"
    return f"| {line.name} | {line.title} | {tried} | {total.survived:,} | {total.lost:,} |"


def _details(totals: dict[str, Total]) -> list[str]:
    found = []
    for name in LINES:
        total = totals.get(name, Total())
        counts = [f"{what} {count:,}" for what, count in sorted(total.counts.items())]
        notes = [f"{what} {text}" for what, text in total.notes.items()]
        if counts or notes:
            found.append(f"- **{name}**: {'; '.join([*counts, *notes])}.")
    return [*found, ""] if found else []


def _where(totals: dict[str, Total]) -> list[str]:
    days = sorted({day for total in totals.values() for day in total.days})
    commits = list(dict.fromkeys(commit for total in totals.values() for commit in total.commits))
    machines = list(dict.fromkeys(one for total in totals.values() for one in total.machines))
    if not days:
        return ["Nothing was run yet."]
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    hours = sum(total.seconds for total in totals.values()) / 3600
    return [f"Made {when}, {hours:.1f} hours, on {'; '.join(machines)}. Commits: {', '.join(commits)}."]


def write() -> None:
    """Put the table into the page, between its two marks."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(results.totals())}\n{END}{after}")
