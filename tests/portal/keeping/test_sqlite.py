"""Copies of a database that is written to: a state that was there once, whole."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from portal.keeping import sqlite
from portal.keeping.trouble import Trouble

COPIES: list[Callable[[Path, Path], None]] = [sqlite._online, sqlite._as_it_lies]


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    """Somebody moves one unit from one account to the other, all the time: the sum stays."""
    path, stop = tmp_path / "busy.sqlite3", threading.Event()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, units INTEGER, ballast BLOB)")
        database.execute("INSERT INTO accounts VALUES (1, 500, zeroblob(20000)), (2, 500, zeroblob(20000))")

    def move() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA wal_autocheckpoint = 30")  # the log is merged many times a second
            while not stop.wait(0.002):
                database.executescript(
                    "BEGIN; UPDATE accounts SET units = units - 1 WHERE id = 1;"
                    "UPDATE accounts SET units = units + 1, ballast = randomblob(20000) WHERE id = 2; COMMIT;"
                )

    mover = threading.Thread(target=move)
    mover.start()
    yield path
    stop.set()
    mover.join()


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_is_a_state_that_was_there(
    busy: Path, tmp_path: Path, way: Callable[[Path, Path], None]
) -> None:
    for number in range(10):
        target = tmp_path / f"copy-{number}"
        way(busy, target)
        with closing(sqlite3.connect(target)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT sum(units) FROM accounts").fetchone() == (1000,)


def test_what_changes_faster_than_it_is_copied_is_said(busy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_digest", lambda path: str(path))
    with pytest.raises(Trouble, match="changed all the time"):
        sqlite._as_it_lies(busy, busy.with_name("copy"))


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("not a database, and long enough to be looked at" * 30)
    with pytest.raises(Trouble, match="cannot be copied: file is not a database"):
        sqlite.copy(tmp_path / "letter", tmp_path / "copy")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become others")
def test_who_may_only_read_copies_what_is_in_the_log_too(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    moved = tmp_path / "closed" / "mine.sqlite3"
    with closing(sqlite3.connect(moved)) as database, database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE words (word TEXT)")
        database.execute("INSERT INTO words VALUES ('in the log only')")
        database.commit()
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", 65534, 65534)
        code = (
            "import sys; from pathlib import Path; from portal.keeping import sqlite;"
            "sqlite.copy(Path(sys.argv[1]), Path(sys.argv[2]))"
        )
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        words = [*become, sys.executable, "-c", code, str(moved), str(tmp_path / "theirs/copy")]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(tmp_path / "theirs/copy")) as copy:
        assert copy.execute("SELECT word FROM words").fetchone() == ("in the log only",)
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["copy"]
