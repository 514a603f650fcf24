"""Another program locks the database, for longer than anybody waits for it (20 seconds)."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from tests.soak.household import household
from tests.soak.ledger import Ledger
from tests.soak.load import Load
from tests.soak.results import Outcome
from tests.soak.troubles import endured

SECONDS = 30


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    ledger = Ledger()
    with household(folder) as house:
        trouble = partial(_locked, folder / "data/web/latchkey.sqlite3")
        for _ in range(begin, begin + count):
            yield 1, endured(house, ledger, trouble, SECONDS)


@contextmanager
def _locked(database: Path, load: Load) -> Iterator[None]:
    """Nobody else writes."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        yield
        somebody.execute("ROLLBACK")
