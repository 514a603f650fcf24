"""The signer's folder: who may read it, who works in it, its passphrase, and authorities laid aside."""

import fcntl
import os
import re
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path


class StartRefused(Exception):
    """The signer cannot start as things are; the message is a sentence with the way out."""


def enter(home: Path) -> int:
    """Make `home` (0700) or check it, and take its lock; gives the descriptor to hold until the end.

    Raises StartRefused when somebody else can read in it or another signer works in it.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    check_private(home)
    for path in sorted(home.rglob("*")):
        if not path.is_socket():  # the listening socket may be another group's
            check_private(path)
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartRefused(
            f"Another signer is running on {home}. Stop it first, or give --home another folder."
        ) from None
    return lock


def check_private(path: Path) -> None:
    """Nobody but us may read `path`, or StartRefused with the command that mends it."""
    facts = path.stat()
    if facts.st_uid != os.getuid():
        raise StartRefused(
            f"{path} belongs to user {facts.st_uid}, the signer runs as {os.getuid()}. "
            f"Run: chown {os.getuid()} {path}"
        )
    if facts.st_mode & 0o077:
        right = "700" if path.is_dir() else "600"
        raise StartRefused(f"{path} can be read by others. Run: chmod {right} {path}")


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file, readable by us only, and wait until it is on the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def passphrase(home: Path, given: Path | None) -> bytes:
    """What the CA keys are encrypted with: from the file `given`, or our own, made at the first start."""
    if given is not None:
        return given_passphrase(given)
    path = home / "passphrase"
    if not path.exists():
        if any(home.glob("*/*.key")):
            raise StartRefused(
                f"{path} is missing, and without it the CA keys cannot be read. Restore it from a backup."
            )
        draft = home / ".passphrase"
        draft.unlink(missing_ok=True)
        write_secret(draft, secrets.token_urlsafe(32).encode())
        draft.rename(path)
        sync(home)
    return path.read_bytes().strip()


def given_passphrase(path: Path) -> bytes:
    """What the file `path` holds, which must be ours alone: at least 16 characters. Raises StartRefused."""
    try:
        facts = path.stat()
        content = path.read_bytes().strip()
    except OSError as error:
        raise StartRefused(f"The passphrase file {path} cannot be read: {error.strerror}.") from error
    # systemd gives a credential to one user by an ACL on a file of root:root, whose mask shows as group bits.
    exposed = 0o007 if (facts.st_uid, facts.st_gid) == (0, 0) and os.getuid() != 0 else 0o077
    if facts.st_mode & exposed:
        raise StartRefused(f"{path} can be read by others. Run: chmod 600 {path}")
    if len(content) < 16:
        raise StartRefused(
            f"The passphrase in {path} is shorter than 16 characters. Use: openssl rand -base64 32"
        )
    return content


def retire(home: Path, name: str) -> Path:
    """Lay the authority aside under `retired/`; the next start makes a new one. Gives its new place."""
    if not (home / name).is_dir() or not re.fullmatch(r"[a-z]+", name):
        raise StartRefused(f"There is no authority {name!r} in {home}.")
    place = home / "retired" / f"{name}-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    place.parent.mkdir(mode=0o700, exist_ok=True)
    (home / name).rename(place)
    sync(place.parent)
    sync(home)
    return place


def retired(home: Path, name: str) -> int:
    """How many authorities called `name` were laid aside."""
    return len(list((home / "retired").glob(f"{name}-*")))


def fresh_folder(path: Path) -> None:
    """An empty private folder at `path`; what a crash left there goes."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
