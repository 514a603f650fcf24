"""Bringing a data folder to this version: a copy of database and journal first, then the migrations."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from portal.apart import apart
from portal.checks import Obstacle, newer_sentence, release

JOURNAL = "journal.sqlite3"


def prepare() -> Path | None:
    """Migrate what is older; gives the folder of the copy made before, if one was. Raises Obstacle."""
    used, pending = apart(look)
    copy = copy_all() if used and (pending or _older()) else None
    if pending:
        apart(_migrate)
    version_file().write_text(f"{settings.VERSION}\n")
    return copy


def look() -> tuple[bool, bool]:
    """Whether the database was ever used, and whether migrations wait for it. Raises Obstacle."""
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        raise Obstacle(
            f"The database does not answer: {error}. Check DATABASE_URL.".replace("\n", " ")
        ) from error
    unknown = sorted(set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations))
    if unknown:
        raise Obstacle(newer_sentence(settings.DATA, f"its database has {'.'.join(unknown[-1])}"))
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return bool(executor.loader.applied_migrations), bool(pending)


def _migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def version_file() -> Path:
    path: Path = settings.DATA / "VERSION"
    return path


def _older() -> bool:
    """The folder was last used by an older Latchkey; the signer will bring its journal up to date."""
    path = version_file()
    return path.exists() and release(path.read_text()) < release(settings.VERSION)


def copy_all() -> Path:
    """Copy database and journal to a new folder under backups/, whole even while somebody writes.

    A database that is no SQLite file has its own tools (`pg_dump`), and a signer of another user its own
    journal: those two are left out.
    """
    folder: Path = settings.BACKUP_DIR / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}"
    settings.BACKUP_DIR.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        _copy(Path(str(database["NAME"])), folder / "latchkey.sqlite3")
    _copy(settings.SIGNER_DIR / JOURNAL, folder / JOURNAL)
    return folder


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        return
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
    target.chmod(0o600)
