"""What the web processes may touch: the system and the program to read, their own folders to write.

Never the signer's folder (keys, passphrase, journal) and never the backups, which hold copies of the journal.
SCEP's key is for the two that use it: the status face, and housekeeping, which renews it.
Nor may they ask other programs of the same user to: they open no Unix sockets.
"""

import os
import sys
import tempfile
from pathlib import Path

from django.conf import settings

from pki import own
from pki.signer import client
from portal import capabilities, landlock, seccomp
from portal.dialler import Line

SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/proc",
    "/sys",
    "/opt",
    "/nix",
)
# Of /run only what names are looked up with: /etc/resolv.conf is often a link to there, and libc's modules
# (nsswitch.conf) and PostgreSQL have their sockets there. The rest is other programs' and people's.
NAMES = (
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/run/connman",
    "/run/netconfig",
    "/run/nscd",
    "/run/postgresql",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")  # never disks: keys lie on them


class Confinement:
    """Whether this process has entered; read by the status page."""

    entered = False  # Landlock
    filtered = False  # seccomp


def enter(line: Line | None = None, *, registrar: bool = False) -> None:
    """Confine this process. Its temporary files go to the web folder from here on.

    `line` is its way to the signer (portal/dialler.py); without one it has none. `registrar`: SCEP's
    key is its business.
    """
    temporary = temporary_folder()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    hidden = [settings.SIGNER_DIR, settings.BACKUP_DIR, own.registrar(), own.approvals()]
    readable = [path for tree in _readable() for path in landlock.without(tree, [*hidden, *_data()])]
    writable = [path for tree in _writable() for path in landlock.without(tree, hidden)]
    if line or registrar:  # who issues: with the door's word alone nothing is signed
        readable += [own.approvals()] if own.approvals().exists() else []
    if registrar:
        own.approvals().mkdir(parents=True, exist_ok=True, mode=0o700)
        writable.append(own.approvals())
        own.registrar().mkdir(parents=True, exist_ok=True, mode=0o700)
        writable.append(own.registrar())
    capabilities.drop()
    Confinement.entered = landlock.enter(readable=readable, writable=writable)
    Confinement.filtered = seccomp.enter(unix_sockets=database_at_unix_socket())
    if line:
        client.connect = line.connect


def temporary_folder() -> Path:
    """A folder for temporary files that is the web processes' own: /tmp is everybody's."""
    folder: Path = settings.WEB_DIR / "tmp"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _readable() -> list[Path]:
    """The system, Python wherever it lies, the checkout, an own server certificate where it lies."""
    trees = [
        *map(Path, (*SYSTEM, *NAMES, *DEVICES)),
        settings.BASE_DIR,
        Path(sys.prefix),
        Path(sys.base_prefix),
    ]
    trees += [Path(entry) for entry in sys.path if entry]
    for file in (settings.TLS_CERT, settings.TLS_KEY):
        # The folder, not the file: a renewed certificate is another file. Let's Encrypt's are links.
        trees += [Path(file).parent, Path(file).resolve().parent] if file else []
    return [tree for tree in trees if tree.exists()]


def _data() -> list[Path]:
    """The data folder, of which only what `_writable` names comes back; not where it holds the program."""
    data = settings.DATA.resolve()
    return [] if any(tree.resolve().is_relative_to(data) for tree in _readable()) else [data]


def _writable() -> list[Path]:
    trees = [settings.WEB_DIR, settings.PUBLIC_DIR, Path(os.devnull)]
    folder = database_folder()
    if folder:
        trees.append(folder)
    return [tree for tree in trees if tree.exists()]


def database_folder() -> Path | None:
    """Where the SQLite file lies; SQLite writes its log beside it, so the web processes get all of it."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return None
    return Path(str(database["NAME"])).absolute().parent


def database_at_unix_socket() -> bool:
    """Whether PostgreSQL is reached through a Unix socket: no host, a folder, or an abstract name (libpq)."""
    database = settings.DATABASES["default"]
    if database_folder():
        return False
    hosts = str(database["HOST"] or database.get("OPTIONS", {}).get("host", ""))
    return any(not host or host.startswith(("/", "@")) for host in hosts.split(","))
