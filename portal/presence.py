"""Whether a process is there: it holds a lock for as long as it lives, whatever way it ends.

Nothing is written, so it costs SD cards nothing; and processes that may open no Unix sockets can ask.
"""

import fcntl
from pathlib import Path
from typing import IO

from django.conf import settings


def take(name: str) -> IO[str]:
    """Be there, until the file that this gives is closed."""
    file = _path(name).open("a")
    fcntl.flock(file, fcntl.LOCK_SH)  # shared: of two for a moment (one still ends) neither waits
    return file


def is_there(name: str) -> bool:
    try:
        with _path(name).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _path(name: str) -> Path:
    path: Path = settings.WEB_DIR / f"{name}.lock"
    return path
