"""One file from a folder, and the folder again: a tar archive with a list of digests, encrypted (age).

By hand: `age -d latchkey.tar.age | tar -xf -`
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from portal.keeping import age
from portal.keeping.snapshot import write
from portal.keeping.trouble import Trouble

FORMAT = 1
MANIFEST = "manifest.json"
_PIECE = 1 << 20  # bytes
Progress = Callable[[int], None]  # so many bytes more


@dataclass(frozen=True)
class Manifest:
    """What is in a backup: `files` maps names to their SHA-256 in hex."""

    format: int
    version: str  # Latchkey's
    made_at: str  # ISO 8601, UTC, before the first byte was copied
    household: str  # SHA-256 of the root for clients, hex: of two households' backups
    files: dict[str, str]


def digests(folder: Path) -> dict[str, str]:
    """Name and SHA-256 of each file in `folder`."""
    return {path.relative_to(folder).as_posix(): _digest(path) for path in _inside(folder)}


def save(folder: Path, manifest: Manifest, target: Path, passphrase: str, more: Progress) -> None:
    """Write everything in `folder` to the new file `target`, mode 0600, and read it again to be sure.

    Whole or not at all, and never over another file. Raises Trouble and OSError.
    """
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        plain = hashlib.sha256()
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            age.seal(_watched(_archive(folder, manifest), plain.update, more), file, passphrase)
            file.flush()
            os.fsync(file.fileno())
        _compare(part, passphrase, plain.hexdigest(), more)
        _put(part, target)
    finally:
        part.unlink(missing_ok=True)


def unpack(source: IO[bytes], folder: Path, passphrase: str) -> Manifest:
    """Everything out of the backup `source` into the empty `folder`, each file compared with its digest.

    Raises age.Unreadable, Trouble and OSError.
    """
    reader = _Reader(age.opened(source, passphrase))
    found: dict[str, str] = {}
    manifest = None
    try:
        with tarfile.open(fileobj=io.BufferedReader(reader), mode="r|") as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                if manifest is None:
                    manifest = _manifest(entry, content)
                else:
                    found[entry.name] = _extract(entry, content, folder)
    except tarfile.TarError as error:
        raise Trouble(f"This is no backup of Latchkey: {error}.") from error
    reader.finish()
    if manifest is None or found != manifest.files:
        raise Trouble("This is no whole backup of Latchkey: its files are not those on its list.")
    return manifest


def _inside(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _watched(pieces: Iterable[bytes], *told: Callable[..., object]) -> Iterator[bytes]:
    """The same pieces; the first of `told` gets each of them, the second its length."""
    seen, counted = told
    for piece in pieces:
        seen(piece)
        counted(len(piece))
        yield piece


def _archive(folder: Path, manifest: Manifest) -> Iterator[bytes]:
    """The tar archive, made as it is read: the list first, then the files (POSIX.1-2001, pax)."""
    listed = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
    yield from _entry(MANIFEST, 0o600, len(listed), [listed])
    for name in manifest.files:
        path = folder / name
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            pieces = iter(lambda file=file: file.read(_PIECE), b"")  # type: ignore[misc] # bound at once
            yield from _entry(name, facts.st_mode & 0o777, facts.st_size, pieces)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _entry(name: str, mode: int, length: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    heading = tarfile.TarInfo(name)
    heading.mode, heading.size = mode, length
    yield heading.tobuf(tarfile.PAX_FORMAT)
    yield from pieces
    yield bytes(-length % tarfile.BLOCKSIZE)


def _compare(part: Path, passphrase: str, digest: str, more: Progress) -> None:
    again = hashlib.sha256()
    with part.open("rb") as file:
        for piece in age.opened(file, passphrase):
            again.update(piece)
            more(len(piece))
    if again.hexdigest() != digest:
        raise Trouble(
            "What was written cannot be read back: the disk is not to be trusted. Take another one."
        )


def _put(part: Path, target: Path) -> None:
    """Give the finished file its name, durably, unless something has it already."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise Trouble(f"{target} exists already, and stays as it is. Choose another name.") from None
    except OSError:  # no second names on this file system (FAT, some shares)
        if target.exists():
            raise Trouble(f"{target} exists already, and stays as it is. Choose another name.") from None
        part.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _manifest(entry: tarfile.TarInfo, content: IO[bytes] | None) -> Manifest:
    """The list, which stands first. Raises Trouble."""
    try:
        facts: dict[str, Any] = json.loads(content.read()) if content and entry.name == MANIFEST else {}
        manifest = Manifest(**facts)
    except (TypeError, ValueError) as error:
        raise Trouble("This is no backup of Latchkey: its list of files is missing.") from error
    if manifest.format != FORMAT:
        raise Trouble(
            f"This backup was made by another Latchkey ({manifest.version}, format {manifest.format}). "
            "Restore it with that one."
        )
    return manifest


def _extract(entry: tarfile.TarInfo, content: IO[bytes] | None, folder: Path) -> str:
    """Write one file below `folder`; gives its SHA-256. Nothing but plain files below is accepted."""
    name = PurePosixPath(entry.name)
    plain = entry.isreg() and "\0" not in entry.name  # which pax can hold, and no file system
    if content is None or not plain or name.is_absolute() or ".." in name.parts:
        raise Trouble(f"This is no backup of Latchkey: {entry.name!r} does not belong into one.")
    path, digest = folder / name, hashlib.sha256()
    write(path, b"")
    with path.open("wb") as file:
        while piece := content.read(_PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(entry.mode & 0o755 if name.parts[0] == "public" else 0o600)
    return digest.hexdigest()


class _Reader(io.RawIOBase):
    """Pieces as a file that tarfile can read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._waiting = pieces, bytearray()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        while not self._waiting and (piece := next(self._pieces, None)) is not None:
            self._waiting += piece
        count = min(len(view), len(self._waiting))
        view[:count] = self._waiting[:count]
        del self._waiting[:count]
        return count

    def finish(self) -> None:
        """Read to the end: only there it shows that nothing was cut off."""
        for _ in self._pieces:
            pass
