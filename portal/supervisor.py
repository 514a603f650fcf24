"""The parent of all processes: starts them in order, restarts who dies, ends them all."""

import gc
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import IO

from django.conf import settings
from django.db import connections

from portal import children, dialler, faces, health, housekeeping, ports, tls
from portal.checks import Obstacle
from portal.children import Child

log = logging.getLogger(__name__)

SIGNER_WITHIN = 20  # seconds for the signer's first start, which makes three authorities
READY_WITHIN = 30  # seconds for the faces
END_WITHIN = 6  # seconds for everybody to end by themselves
# The check face is looked at a few times a year by each device: its process starts with the first visitor and
# ends some minutes after the last. That spares 10 to 20 MB.
ON_DEMAND = frozenset({"check"})
WITH_SIGNER = ("start", "portal", "check", "status", "housekeeping")  # who may ask it; never the door


class Supervisor:
    """Our children, in the order of their start."""

    def __init__(self, listeners: dict[str, socket.socket]) -> None:
        self.listeners = listeners
        self.children: list[Child] = []
        self.popen: subprocess.Popen[bytes] | None = None
        self.lines = {name: dialler.Line() for name in WITH_SIGNER}
        self.ready_read, self.ready_write = os.pipe()

    def start_signer(self) -> None:
        """Start it and wait for its word. One that refuses has said why on stderr.

        Another user's is not ours to start, but waited for: at boot both start at once.
        """
        if settings.SIGNER_APART:
            _wait_for_signer()
            return
        command = signer_command()
        first = self.popen = children.spawned(command, stdout=subprocess.PIPE)
        self.children.append(
            Child("signer", lambda: self._again(command), pid=first.pid, started=time.monotonic())
        )
        if first.stdout is None or not _says_ready(first.stdout):
            if tls.served() is None:
                raise Obstacle("The signer did not start; the lines above say why.")
            log.warning("child=signer did not start; the lines above say why")

    def start_dialler(self) -> None:
        """Fork the process through which all confined ones reach the signer."""
        _share_memory()
        ends = [line.diallers.fileno() for line in self.lines.values()]
        main = children.forked(lambda: dialler.serve(self.lines.values()), keep=ends)
        child = Child("dialler", main)
        self.children.append(child)
        child.run()

    def start_faces(self) -> None:
        """Fork the faces and housekeeping, and wait until they serve. Raises Obstacle when one does not."""
        connections.close_all()
        _share_memory()
        for name, main in self._mains().items():
            own = [self.listeners[name].fileno()] if name in self.listeners else []
            own += [self.lines[name].ours.fileno()] if name in self.lines else []
            if name in ON_DEMAND:
                ports.tell_of_visitors(self.listeners[name])
                waits = Child(name, children.forked(main, keep=own), only_for=self.listeners[name])
                self.children.append(waits)
                continue
            child = Child(name, children.forked(main, keep=[*own, self.ready_write]))
            self.children.append(child)
            child.run()
        self._wait_ready(len(self._mains()) - len(ON_DEMAND))

    def _mains(self) -> dict[str, Callable[[], None]]:
        return {
            "portal": lambda: faces.portal(self.listeners["portal"], self._ready, self.lines["portal"]),
            "door": lambda: faces.door(self.listeners["door"], self._ready),
            "check": lambda: faces.check(self.listeners["check"], self.lines["check"]),
            "status": lambda: faces.status(self.listeners["status"], self._ready, self.lines["status"]),
            "housekeeping": lambda: housekeeping.loop(self._ready, self.lines["housekeeping"]),
        }

    def _ready(self) -> None:
        """In a child: its word, and then no more: one that is broken into could fill the pipe."""
        os.write(self.ready_write, b"+")
        os.close(self.ready_write)

    def _again(self, command: list[str]) -> int:
        self.popen = children.spawned(command, stdout=subprocess.DEVNULL)
        return self.popen.pid

    def _wait_ready(self, expected: int) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while expected and (left := deadline - time.monotonic()) > 0:
            if select.select([self.ready_read], [], [], min(left, 0.2))[0]:
                expected -= len(os.read(self.ready_read, 64))
            self._reap()
            if any(child.deaths for child in self.children if child.name != "signer"):
                break
        if expected:
            raise Obstacle("A part of Latchkey did not start; the lines above say why.")

    def watch(self) -> None:
        """Restart who dies; return when told to end (SIGHUP too: the terminal is gone)."""
        while True:
            waiting = [child.due for child in self.children if not child.pid and child.is_wanted]
            timeout = max(0.05, min(waiting) - time.monotonic()) if waiting else 60.0
            info = signal.sigtimedwait(children.SIGNALS, timeout)
            if info and info.si_signo not in (signal.SIGCHLD, signal.SIGIO):
                return
            self._reap()
            self._restart_due()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for child in self.children:
                if child.pid == pid and not child.rests(code := os.waitstatus_to_exitcode(status)):
                    log.warning(
                        "child=%s pid=%d ended=%d again_in=%.0fs", child.name, pid, code, child.died()
                    )

    def _restart_due(self) -> None:
        for child in self.children:
            if not child.pid and time.monotonic() >= child.due and child.is_wanted:
                child.run()
                if child.only_for is None:
                    log.warning("child=%s pid=%d started", child.name, child.pid)

    def _signal_all(self, number: int, *, group: bool = False) -> None:
        for child in reversed(self.children):  # the faces first, the signer last
            child.signal(number, group=group)

    def end(self) -> None:
        """End everybody: politely, then not."""
        self._signal_all(signal.SIGTERM)
        deadline = time.monotonic() + END_WITHIN
        while any(child.pid for child in self.children) and time.monotonic() < deadline:
            info = signal.sigtimedwait(children.SIGNALS, 0.2)
            if info and info.si_signo == signal.SIGINT:
                break  # asked twice: at once, then
            self._reap_quietly()
        self._signal_all(signal.SIGKILL, group=True)
        for listener in self.listeners.values():
            ports.close(listener)

    def _reap_quietly(self) -> None:
        for child in self.children:
            try:
                if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                    child.pid = 0
            except ChildProcessError:
                child.pid = 0


def _share_memory() -> None:
    """Before a fork: the collector leaves alone what is there by now, so children and we go on sharing it."""
    gc.collect()
    gc.freeze()


def signer_command() -> list[str]:
    """The signer's command line; it reads nothing of our environment."""
    return [
        *(sys.executable, "-m", "pki.signer"),
        *("--home", str(settings.SIGNER_DIR), "--socket", str(settings.SIGNER_SOCKET)),
        *("--hosts", " ".join(_hosts()), "--status-url", settings.STATUS_URL),
        *("--label", socket.gethostname().split(".")[0]),
    ]


def _hosts() -> list[str]:
    """LATCHKEY_HOSTS in their normal form, which is what the signer compares with."""
    sans, _ = tls.sort_hosts(settings.HOSTS, ())
    return [san.partition(":")[2] for san in sans]


def _wait_for_signer() -> None:
    deadline = time.monotonic() + SIGNER_WITHIN
    while not health.signer_listens() and time.monotonic() < deadline:
        time.sleep(0.1)


def _says_ready(stdout: IO[bytes]) -> bool:
    deadline = time.monotonic() + SIGNER_WITHIN
    while (left := deadline - time.monotonic()) > 0:
        if select.select([stdout], [], [], left)[0]:
            return stdout.readline().strip() == b"ready"
    return False
