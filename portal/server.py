"""`manage.py up`: starts the signer and the faces, keeps them running, and leaves nothing behind."""

import fcntl
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import IO

from django.conf import settings

from portal import banner, checks, children, confinement, housekeeping, ports, tls, upgrade
from portal.apart import apart
from portal.banner import Line
from portal.checks import Obstacle
from portal.supervisor import Supervisor


def run(fill: Callable[[], list[Line]] | None = None) -> None:
    """Start everything, print the banner, stay until SIGINT or SIGTERM. Raises Obstacle with a sentence.

    `fill` runs when database and signer are there and nobody is served yet; it gives lines for the banner.
    """
    checks.before_start()
    checks.database_apart(confinement.database_folder())
    lock = only_one(settings.DATA / "run" / "lock")
    listeners = open_ports()
    copy = upgrade.prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, children.SIGNALS)
    supervisor = Supervisor(listeners)
    try:
        supervisor.start_signer()
        supervisor.start_dialler()
        apart(prepare, supervisor.lines["start"])
        more = fill() if fill else []
        supervisor.start_faces()
        link, noted = apart(banner.gather, supervisor.lines["start"])
        banner.show(link, noted, copy, more)
        supervisor.watch()
    finally:
        supervisor.end()
        lock.close()


def only_one(path: Path) -> IO[str]:
    """Hold `path` as long as we run: two on one data folder would fight over it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise Obstacle(
            f"Latchkey runs on {settings.DATA} already (process {file.read().strip()}). "
            "Stop that one, or choose another folder with LATCHKEY_DATA."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def open_ports() -> dict[str, socket.socket]:
    """Our listening sockets, opened once: they survive a face that dies. Raises Obstacle."""
    try:
        return {
            "portal": ports.listen(*settings.PORTAL_BIND, "LATCHKEY_PORTAL_BIND"),
            "door": _door_port(),
            "check": ports.listen(*settings.CHECK_BIND, "LATCHKEY_CHECK_BIND"),
            "status": ports.listen(*settings.STATUS_BIND, "LATCHKEY_STATUS_BIND"),
        }
    except ports.PortTrouble as error:
        raise Obstacle(str(error)) from error


def _door_port() -> socket.socket:
    if settings.DOOR_SOCKET:
        return ports.listen_at(settings.DOOR_SOCKET, "LATCHKEY_DOOR_BIND")
    return ports.listen(*settings.DOOR_BIND, "LATCHKEY_DOOR_BIND")


def prepare() -> None:
    """Publish what the signer has and see to the server certificate, before anybody is served.

    A signer that does not answer stops this only when there is no earlier certificate to serve with.
    """
    steps = [step for step in housekeeping.STEPS if step.name in housekeeping.FIRST]
    trouble = [said for said in housekeeping.tidy(steps).values() if said]
    if tls.served() is None:
        why = trouble[0] if trouble else "nothing was said"
        raise Obstacle(f"There is no server certificate to start with: {why}")
