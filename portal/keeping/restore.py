"""`manage.py restore`: a folder from a backup, proven before anybody relies on it; or only that, a drill."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, connection

from portal.checks import release
from portal.keeping import bundle, keep, notes
from portal.keeping.bundle import Manifest
from portal.keeping.proof import Finding
from portal.keeping.snapshot import DUMP, PASSPHRASE, Say, run_postgresql
from portal.keeping.trouble import Trouble

UNPACKED = ".restoring"
# What the settings of this very command made in a folder that was empty (portal/settings.py).
_JUST_MADE = frozenset(f"web/{name}" for name in ("secret-key", "metrics-token", "sealing-key"))
Tell = Callable[[Finding], None]


@dataclass(frozen=True)
class Source:
    """A backup, and what opens it."""

    file: Path
    passphrase: str
    signer_passphrase: Path | None = None  # a file; where the backup was made without it
    database: str = ""  # URL of an empty PostgreSQL database; for a household that uses one


def into(source: Source, folder: Path, say: Say, tell: Tell) -> Manifest:
    """Restore into `folder`, which must be empty or not there. Each thing that was verified goes to `tell`.

    Whole or not at all. Raises age.Unreadable, Trouble and OSError.
    """
    made = _empty(folder)
    unpacked = folder / UNPACKED
    try:
        manifest = _unpack(source, unpacked, say)
        if (unpacked / DUMP).exists():
            _load(unpacked / DUMP, source.database)
        say("verifying")
        _verify(source, unpacked, tell, "--restored", source.file.name, "--made-at", manifest.made_at)
        _move(unpacked, folder)
    except BaseException:
        shutil.rmtree(unpacked, ignore_errors=True)
        if made:
            folder.rmdir()
        raise
    return manifest


def drill(source: Source, say: Say, tell: Tell) -> tuple[Manifest, bool]:
    """Restore into a folder that is thrown away, and note how it went where Latchkey runs.

    Gives whether that was noted: a backup of another household is none of this one's. Raises as `into`.
    """
    with keep.draft() as folder:
        manifest = _unpack(source, folder / UNPACKED, say)
        ours = manifest.household == keep.household()
        say("verifying")
        try:
            with _scratch(source, folder / UNPACKED) as ready:
                live = ["--live", str(settings.PUBLIC_DIR)] if ours else []
                _verify(ready, folder / UNPACKED, tell, *live)
        except Trouble as trouble:
            if ours:
                notes.drilled(source.file.name, manifest.made_at, str(trouble))
            raise
    return manifest, ours and notes.drilled(source.file.name, manifest.made_at, "")


def _empty(folder: Path) -> bool:
    """Whether `folder` was made now; Trouble when there is something in it. What a killed one left goes."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        return True
    shutil.rmtree(folder / UNPACKED, ignore_errors=True)
    inside = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if inside - _JUST_MADE:
        raise Trouble(f"{folder} is not empty, and stays as it is. Give another folder, or move it away.")
    return False


def _unpack(source: Source, folder: Path, say: Say) -> Manifest:
    say("decrypting")
    folder.mkdir(mode=0o700)
    with source.file.open("rb") as file:
        manifest = bundle.unpack(file, folder, source.passphrase)
    if release(manifest.version) > release(settings.VERSION):
        raise Trouble(f"The backup is of a newer Latchkey ({manifest.version}); this is {settings.VERSION}.")
    if not (folder / PASSPHRASE).exists() and source.signer_passphrase is None:
        raise Trouble(
            "The backup was made without the signer's passphrase, which opens the CA keys. "
            "Give a file that holds it with --signer-passphrase-file."
        )
    return manifest


def _verify(source: Source, folder: Path, tell: Tell, *options: str) -> None:
    """Have the copy examined by a process whose settings point into it. Raises Trouble with what is wrong."""
    with tempfile.TemporaryDirectory(prefix="latchkey-") as place:  # short: a socket's path has 107 bytes
        env = _environment(folder, source.database, Path(place) / "signer.sock")
        command = [sys.executable, "manage.py", "verify_copy", "--json", *options]
        if source.signer_passphrase and not (folder / PASSPHRASE).exists():
            command += ["--signer-passphrase-file", str(source.signer_passphrase.absolute())]
        done = subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True)
    found = [Finding(**json.loads(line)) for line in done.stdout.splitlines()]
    for finding in found:
        tell(finding)
    bad = [finding.sentence for finding in found if not finding.well]
    if done.returncode or bad:
        said = done.stderr.strip().rpartition("\n")[2]
        raise Trouble("The backup is not good. " + (" ".join(bad) or f"It could not be examined: {said}"))


def _environment(folder: Path, database: str, socket: Path) -> dict[str, str]:
    """Nothing of this household's settings, so that what is examined is the copy."""
    own = ("LATCHKEY_", "DATABASE_URL", "EMAIL_URL", "DJANGO_SETTINGS_MODULE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    env |= {"LATCHKEY_DATA": str(folder.absolute()), "LATCHKEY_SIGNER_SOCKET": str(socket)}
    return env | ({"DATABASE_URL": database} if database else {})


def _move(unpacked: Path, folder: Path) -> None:
    """Put what was proven in its place; secrets that were made for nobody give way."""
    for entry in list(unpacked.iterdir()):
        place = folder / entry.name
        if place.is_dir():
            shutil.rmtree(place)
        entry.rename(place)
    unpacked.rmdir()
    for public in (folder / "public", *(folder / "public").rglob("*")):
        if public.is_dir():
            public.chmod(0o755)


def _load(dump: Path, url: str) -> None:
    """A dump of PostgreSQL into the empty database at `url`: all of it or nothing."""
    if not url:
        raise Trouble(
            "This household uses PostgreSQL. Make an empty database, and give its URL with --database."
        )
    tables = run_postgresql("psql", "--no-psqlrc", "--tuples-only", "--command=\\dt", url=url)
    if tables.strip():
        raise Trouble("The database is not empty, and stays as it is. Give another one with --database.")
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    run_postgresql("pg_restore", *options, str(dump), url=url)


@contextmanager
def _scratch(source: Source, folder: Path) -> Iterator[Source]:
    """For a drill with PostgreSQL: a database beside the household's, dropped at the end."""
    dump = folder / DUMP
    if not dump.exists():
        yield source
        return
    if source.database:  # somebody's empty one
        _load(dump, source.database)
        yield source
        return
    if connection.vendor != "postgresql":
        raise Trouble("The backup is of PostgreSQL. Give the URL of an empty database with --database.")
    name = f"latchkey_drill_{uuid4().hex[:12]}"
    _say_to_postgresql(f'CREATE DATABASE "{name}"')
    try:
        url = urlsplit(settings.ENV["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        _load(dump, url)
        yield Source(source.file, source.passphrase, source.signer_passphrase, url)
    finally:
        _say_to_postgresql(f'DROP DATABASE IF EXISTS "{name}"')


def _say_to_postgresql(command: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(command)
    except DatabaseError as error:
        raise Trouble(
            f"The drill needs a database of its own: {str(error).strip()}. "
            "Make an empty one, and give its URL with --database."
        ) from error
