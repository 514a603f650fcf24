"""Listening sockets, and whose a port is when it is taken. Plain Python."""

import errno
import fcntl
import os
import socket
import stat
from pathlib import Path

LISTENING = "0A"  # st column of /proc/net/tcp (TCP_LISTEN)
BACKLOG = 512
FIRST_BYTES = 5  # seconds


class PortTrouble(Exception):
    """Why nobody can listen there: a sentence with the way out."""


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket, or PortTrouble. `setting` is the variable that changes the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Hand over a connection when its first bytes are here: one that stays silent then occupies no thread.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, FIRST_BYTES)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTrouble(_sentence(error, host, port, setting)) from error
    listener.listen(BACKLOG)
    return listener


def tell_of_visitors(listener: socket.socket) -> None:
    """Have the kernel send this process a SIGIO whenever somebody connects (fcntl(2), O_ASYNC)."""
    fcntl.fcntl(listener, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(listener, fcntl.F_GETFL)
    fcntl.fcntl(listener, fcntl.F_SETFL, flags | os.O_ASYNC)


def listen_at(path: Path, setting: str) -> socket.socket:
    """A listening Unix socket for a proxy in front, or PortTrouble.

    User and group may connect (0660): give the proxy's user our group. What a crash left there is replaced.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117)
    try:
        _clear(path, setting)
        listener.bind(str(path))
    except (OSError, PortTrouble) as error:
        listener.close()
        if isinstance(error, PortTrouble):
            raise
        raise PortTrouble(
            f"Cannot listen at {path}: {error.strerror or error}. Make its folder, or change {setting}."
        ) from error
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener


def _clear(path: Path, setting: str) -> None:
    """Take away a socket that nobody listens at any more."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise PortTrouble(f"{path} is no socket. Move it away, or change {setting}.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full queue is somebody, too
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass
    raise PortTrouble(f"Another program listens at {path}. Stop that, or choose another path: {setting}.")


def close(listener: socket.socket) -> None:
    """Listen no more; a Unix socket's file goes, too."""
    path = listener.getsockname() if listener.family == socket.AF_UNIX else ""
    listener.close()
    if path:
        Path(path).unlink(missing_ok=True)


def _sentence(error: OSError, host: str, port: int, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        who = holder(port)
        by = f" by {who}" if who else ""
        return f"Port {port} is in use{by}. Stop that, or choose another one: {setting}={host}:{port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} needs root, being below 1024. Choose another one: {setting}={host}:{port + 8000}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine. Listen on all of them: {setting}=0.0.0.0:{port}"
    return f"Cannot listen on {host}:{port}: {error.strerror}. Change {setting}."


def holder(port: int) -> str:
    """Who listens on `port`, as "python3 (process 4711)"; "" when that cannot be found out."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening_inodes(table, port)}
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        if wanted & _open_files(process):
            return f"{_name(process)} (process {process.name})"
    return "another user's program" if inodes else ""


def _listening_inodes(table: str, port: int) -> list[str]:
    try:
        lines = Path("/proc/net", table).read_text().splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port]


def _open_files(process: Path) -> set[str]:
    found = set()
    try:
        for entry in (process / "fd").iterdir():
            found.add(os.readlink(entry))
    except OSError:
        pass  # another user's, or gone meanwhile
    return found


def _name(process: Path) -> str:
    """The program's name; for an interpreter, what it runs ("manage.py up")."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        name = (process / "comm").read_text().strip()
    except OSError:
        return "a program"
    script = next((word for word in words[1:] if word.endswith(".py")), "")
    return f"{name} {Path(script).name}" if script else name
