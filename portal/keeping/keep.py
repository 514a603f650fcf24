"""`manage.py backup`: from the running household to one encrypted file."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from pki import authorities
from portal.keeping import bundle, notes, snapshot
from portal.keeping.snapshot import PASSPHRASE, Say
from portal.keeping.trouble import Trouble

COPIES = ".copy-"  # what a draft's name begins with


def make(target: Path, passphrase: str, signer: Path, *, apart: bool, say: Say, more: bundle.Progress) -> int:
    """Write a backup of everything to the new file `target`; gives its length in bytes.

    With `apart` the signer's passphrase stays out. Raises Trouble and OSError; then `target` is not there.
    """
    check_target(target)
    snapshot.check_signer(signer)
    made_at = datetime.now(UTC)
    with draft() as folder:
        snapshot.take(folder, signer, say)
        if apart:
            (folder / PASSPHRASE).unlink(missing_ok=True)
        say("encrypting, then reading it again")
        found = bundle.digests(folder)
        manifest = bundle.Manifest(
            bundle.FORMAT, settings.VERSION, made_at.isoformat(timespec="seconds"), household(), found
        )
        bundle.save(folder, manifest, target, passphrase, more)
    notes.backed_up(target.name, made_at)
    return target.stat().st_size


def check_target(target: Path) -> None:
    """Before anything is copied: the file can be made. Raises Trouble."""
    if target.exists() or target.is_symlink():
        raise Trouble(f"{target} exists already, and stays as it is. Choose another name.")
    if not target.parent.is_dir():
        raise Trouble(f"There is no folder {target.parent}. Make it, or choose another place.")
    if not os.access(target.parent, os.W_OK, effective_ids=True):
        raise Trouble(f"This user may not write in {target.parent}. Choose another place.")


def household() -> str:
    """SHA-256 (hex) of the root for clients: the same for backups of the same household; "" without one."""
    try:
        return hashlib.sha256(authorities.path("clients-root").read_bytes()).hexdigest()
    except OSError:
        return ""


@contextmanager
def draft() -> Iterator[Path]:
    """A private folder beside the other copies, gone at the end. What a killed one left goes too."""
    settings.BACKUP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in settings.BACKUP_DIR.glob(f"{COPIES}*"):
        _remove_if_left(old)
    folder = Path(tempfile.mkdtemp(prefix=COPIES, dir=settings.BACKUP_DIR))
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _remove_if_left(folder: Path) -> None:
    """Nobody holds it any more: it holds keys, and is not to lie about."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)
