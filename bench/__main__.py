"""`make bench`: every benchmark once, as one table. A module name as argument runs only that one.

    python -m bench [NAME …] [--report]

Each module gives `rows()`: what was measured, its value, the ratio to what was measured beside it in the same
run, and the target of that ratio. Absolute figures drift with the machine; the ratios are what counts. The
last run of each is kept in var/bench/, and `--report` writes them into docs/PERFORMANCE.md.
"""

import importlib
import os
import sys

from rich.console import Console
from rich.table import Table

from bench import report

MODULES = (
    "signer",
    "approve",
    "door",
    "pages",
    "certificates",
    "crl",
    "ocsp",
    "bad_input",
    "start",
    "scep",
    "script_size",
)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")


def main(names: list[str]) -> None:
    table = Table(title="Latchkey, measured beside its yardsticks in this run")
    for heading in ("what", "value", "ratio", "target"):
        table.add_column(heading, overflow="fold")
    console = Console()
    for name in names or MODULES:
        with console.status(f"measuring {name} …"):
            measured = importlib.import_module(f"bench.{name}").rows()
        report.keep(name, measured)
        for row in measured:
            table.add_row(*row)
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    report.write(MODULES) if sys.argv[1:] == ["--report"] else main(sys.argv[1:])
