"""Whole copies of SQLite files that somebody else writes to meanwhile."""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from portal.keeping.trouble import Trouble

TRIES = 20
Marks = tuple[int, int, bytes]


def copy(source: Path, target: Path) -> None:
    """Copy the database `source` to the new file `target`, mode 0600. Raises Trouble and OSError."""
    try:
        if os.access(source.parent, os.W_OK, effective_ids=True):
            _online(source, target)
        else:
            _as_it_lies(source, target)
        with closing(sqlite3.connect(target)) as made:
            made.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    except sqlite3.Error as error:
        raise Trouble(f"{source} cannot be copied: {error}.") from error
    target.chmod(0o600)


def _online(source: Path, target: Path) -> None:
    """SQLite's own online backup."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


def _as_it_lies(source: Path, target: Path) -> None:
    """For who may read and not write: SQLite would have to take part in its locks (sqlite.org/wal.html).

    The file changes only when the log is merged into it, and the log only grows until it begins anew. So file
    and a beginning of the log, copied while neither happened, are a state that was there once: SQLite leaves
    out what is not complete at the log's end.
    """
    log, copied = source.with_name(f"{source.name}-wal"), target.with_name(f"{target.name}-wal")
    for _ in range(TRIES):
        before = _marks(source, log)
        shutil.copyfile(source, target)
        copied.unlink(missing_ok=True)
        if log.exists():
            shutil.copyfile(log, copied)
        if _digest(source) == _digest(target) and _marks(source, log) == before:
            return
    raise Trouble(f"{source} changed all the time while it was copied. Try again when less happens.")


def _marks(source: Path, log: Path) -> Marks:
    """What changes when the log is merged, or begins anew: its header has new salts then."""
    facts = source.stat()
    try:
        with log.open("rb") as file:
            return facts.st_mtime_ns, facts.st_size, file.read(32)
    except FileNotFoundError:
        return facts.st_mtime_ns, facts.st_size, b""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
