"""What a backup holds: copies of everything that cannot be made again, taken while Latchkey runs.

The order makes the copies fit together. Lists first: the heads of the audit trail inside them are in the
database copied after them. Then the database, then the signer's journal, which is always written first:
whatever the copied database knows as issued or revoked stands in the copied journal.
"""

import os
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings

from portal.keeping import sqlite
from portal.keeping.trouble import Trouble

JOURNAL = "journal.sqlite3"
DATABASE = "web/latchkey.sqlite3"
DUMP = "database.pgdump"  # of PostgreSQL, in pg_dump's own format
SETTINGS = "settings.env"
PASSPHRASE = "signer/passphrase"  # noqa: S105 a file's name
# What is made anew, and what only counts while something runs.
_PASSING = (
    ".lock",
    ".new",
    ".sqlite3",
    ".sqlite3-wal",
    ".sqlite3-shm",
    ".sqlite3-journal",
    "housekeeping.json",
)
_ELSEWHERE = ("LATCHKEY_DATA", "LATCHKEY_SIGNER_SOCKET", "DATABASE_URL")  # of this machine, not of the copy
Say = Callable[[str], None]


def take(folder: Path, signer: Path, say: Say) -> None:
    """Copy everything into the empty `folder`, laid out as a data folder. Raises Trouble and OSError.

    `signer` is the signer's folder. `say` is told what is being copied.
    """
    check_signer(signer)
    say("certificates and lists")
    _copy_tree(settings.PUBLIC_DIR, folder / "public")
    say("database")
    _database(folder)
    say("the signer's journal and keys")
    _signer(signer, folder / "signer")
    say("secrets and settings")
    _copy_tree(settings.WEB_DIR, folder / "web", leave=_is_temporary)
    _copy(settings.DATA / "VERSION", folder / "VERSION")
    write(folder / SETTINGS, _settings().encode())


def check_signer(signer: Path) -> None:
    """The signer's folder is there and ours to read; else how to go about it."""
    try:  # and not os.access, which leaves out the capability that the systemd unit gives
        for name in (JOURNAL, "clients/issuing.key"):
            (signer / name).open("rb").close()
        return
    except OSError:
        pass
    if settings.SIGNER_APART:
        raise Trouble(
            "The signer's folder belongs to another user, and this one may not read it. "
            "Run: sudo systemctl start latchkey-backup (docs/backup.md), or give it with --signer-home."
        )
    raise Trouble(
        f"There is nothing to back up in {signer}: no journal and no keys. Start Latchkey once: make run; "
        "or choose its data folder with LATCHKEY_DATA."
    )


def write(path: Path, data: bytes) -> None:
    """A new file that is ours alone, in folders that are."""
    private(path.parent)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def private(folder: Path) -> None:
    """Make `folder` and what is missing above it, for us alone: `mkdir` would leave those above open."""
    if not folder.is_dir():
        private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _database(folder: Path) -> None:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        (folder / DATABASE).parent.mkdir(mode=0o700, exist_ok=True)
        sqlite.copy(Path(str(database["NAME"])), folder / DATABASE)
    else:
        run_postgresql(
            "pg_dump", "--format=custom", f"--file={folder / DUMP}", url=settings.ENV["DATABASE_URL"]
        )


def run_postgresql(*command: str, url: str) -> str:
    """A program of PostgreSQL's on the database at `url`; gives what it printed. Raises Trouble."""
    parts = urlsplit(url)
    env = os.environ | ({"PGPASSWORD": unquote(parts.password)} if parts.password else {})
    # Everybody on this machine can read a command line.
    named = parts._replace(netloc=re.sub(r":[^@]*@", "@", parts.netloc, count=1)).geturl()
    try:
        done = subprocess.run([*command, f"--dbname={named}"], capture_output=True, text=True, env=env)
    except FileNotFoundError:
        raise Trouble(f"{command[0]} is missing. Run: sudo apt install postgresql-client") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise Trouble(f"{command[0]} did not succeed: {said[-1]}")
    return done.stdout


def _signer(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    sqlite.copy(source / JOURNAL, target / JOURNAL)
    for folder in sorted(entry for entry in source.iterdir() if entry.is_dir() and entry.name[0] != "."):
        _copy_tree(folder, target / folder.name)
    _copy(source / "passphrase", target / "passphrase")


def _copy_tree(source: Path, target: Path, leave: Callable[[str], bool] = lambda name: False) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    for path in _files(source):
        name = path.relative_to(source).as_posix()
        if not path.name.startswith(".") and not path.name.endswith(_PASSING) and not leave(name):
            _copy(path, target / name)


def _is_temporary(name: str) -> bool:
    return name.startswith("tmp/")


def _files(folder: Path) -> Iterator[Path]:
    """The plain files below; what is a link may lead anywhere. Files and folders may go meanwhile."""
    for place, _, names in os.walk(folder):
        yield from (path for name in sorted(names) if _is_plain(path := Path(place) / name))


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _copy(source: Path, target: Path) -> None:
    """A plain file, followed through no link; what went meanwhile is left out."""
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        os.fdopen(handle, "rb") as file,
        open(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as copy,
    ):
        shutil.copyfileobj(file, copy)
        os.fchmod(copy.fileno(), stat.S_IMODE(os.fstat(handle).st_mode) & 0o755)


def _settings() -> str:
    """What was set by hand, for a shell or systemd's EnvironmentFile: `set -a; . settings.env`."""
    lines = [f"{name}={shlex.quote(value)}" for name, value in sorted(settings.ENV.items())]
    kept = [line for line in lines if line.partition("=")[0] not in _ELSEWHERE]
    return "\n".join(["# The settings this copy was made with.", *kept, ""])
