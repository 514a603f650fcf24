"""Writes a folder of files for somebody to copy, and writes over nothing that somebody changed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from portal.brokers import File

NOTES = ".written.json"  # path -> digest of what was written last


def write(folder: Path, files: Mapping[str, File], *, force: bool = False) -> list[str]:
    """Write `files` (paths below `folder`); gives the paths that were not there, or were different.

    Raises FileExistsError with a sentence when somebody changed one of them, unless `force`; then none is
    written.
    """
    noted = _notes(folder)
    other = [path for path, file in files.items() if _digest(folder / path) != _of(file.text)]
    touched = [path for path in other if _digest(folder / path) not in (None, noted.get(path))]
    if touched and not force:
        raise FileExistsError(
            f"Changed since they were written: {', '.join(sorted(touched))}. Nothing was written. Move them "
            "away or use another --folder; --force writes over them."
        )
    for path in files:
        _write(folder / path, files[path])
    noted |= {path: _of(file.text) for path, file in files.items()}
    (folder / NOTES).write_text(json.dumps(noted, indent=1, sort_keys=True))
    return sorted(other)


def _write(path: Path, file: File) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.text)
    path.chmod(file.mode)


def _of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _notes(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / NOTES).read_text()))
    except (FileNotFoundError, ValueError):
        return {}
