"""A PostgreSQL cluster of our own: a Unix socket in a temporary folder, gone afterwards.

PostgreSQL refuses to run as root, so root gives it the user `postgres`, or `nobody` where there is none.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

# Nothing here outlives the test, so nothing waits for a disk.
OPTIONS = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=60"


def programs() -> Path | None:
    """Where the newest PostgreSQL of Debian's keeps initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


needs_postgresql = pytest.mark.skipif(
    programs() is None and os.environ.get("CI") != "true",
    reason="PostgreSQL is not installed (package postgresql)",
)


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """DATABASE_URL of a running, empty cluster."""
    place = programs()
    assert place is not None, "PostgreSQL is not installed: sudo apt install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="latchkey-pg-"))  # short: a socket's path has 107 bytes at most
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _user())
        _run(place / "initdb", "-D", folder / "data", "-U", "latchkey", "-A", "trust", "-E", "UTF8", "-N")
        control = (place / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log")
        _run(*control, "-o", f"{OPTIONS} -c unix_socket_directories={folder}", "start")
        try:
            yield f"postgresql://latchkey@{quote(str(folder), safe='')}/postgres"
        finally:
            _run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """For DATABASE_URL of a child process: the settings read it once, so it cannot be ours."""
    with cluster() as url:
        yield url


def _become() -> tuple[str, ...]:
    """What goes before a command of root's."""
    if os.geteuid() != 0:
        return ()
    user = pwd.getpwnam(_user())
    return ("setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups")


def _user() -> str:
    return "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"


def _run(*words: str | Path) -> None:
    """A program of PostgreSQL's, never as root, in a folder that everybody may enter."""
    # Its output goes to a file: the server inherits it, and a pipe would stay open as long as it runs.
    with tempfile.TemporaryFile() as output:
        command = [*_become(), *map(str, words)]
        done = subprocess.run(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/")
        output.seek(0)
        assert done.returncode == 0, output.read().decode()
