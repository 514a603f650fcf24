"""Child processes: started, restarted when they die, ended with their parent. Plain Python."""

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
TOP = Path(__file__).resolve().parent.parent
LIVED_WELL = 60  # seconds after which earlier deaths are forgiven
LONGEST_WAIT = 30  # seconds between two starts

# What the parent waits for; blocked in it, and to be unblocked in each child.
# SIGIO: somebody connected to a listener whose process is started for that (portal/ports.py).
SIGNALS = (signal.SIGCHLD, signal.SIGIO, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int) -> None:
    """Have the kernel end this process when `parent`, a process id, is gone, however that went."""
    _libc.prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it went before the line above
        os._exit(1)


def _settle(parent: int) -> None:
    """What every child does first. Its own session: Ctrl-C reaches the parent, who passes it on, and a child
    that was broken into cannot type into the terminal (TIOCSTI) what the shell behind it would run."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    end_with_parent(parent)


def _keep_only(descriptors: Sequence[int]) -> None:
    """Close what the parent had open for itself and for others: its lock, their listeners, its pipes.

    Objects that still hold a number closed here live on in the parent's frames, which no child unwinds.
    """
    kept = sorted({0, 1, 2, *descriptors})
    for number, following in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(number + 1, following)


def forked(main: Callable[[], None], *, keep: Sequence[int] = ()) -> Callable[[], int]:
    """A starter for `main` in a fork of this process; gives the process id.

    Of the descriptors that are open here the fork has stdout, stderr and those in `keep`.
    """

    def start() -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            _settle(parent)
            _keep_only(keep)
            with open(os.devnull) as nothing:
                os.dup2(nothing.fileno(), 0)
            main()
            status = 0
        except SystemExit as done:
            status = done.code if isinstance(done.code, int) else int(done.code is not None)
        except KeyboardInterrupt:
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    return start


def spawned(command: Sequence[str], *, stdout: int | None = None) -> subprocess.Popen[bytes]:
    """`command` as a new program that ends with this process.

    It starts in our own folder: `python -m` looks for its module where it starts, which may be anybody's.
    """
    parent = os.getpid()
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=stdout, cwd=TOP, preexec_fn=lambda: _settle(parent)
    )


@dataclass
class Child:
    """One process under the supervisor's care."""

    name: str
    start: Callable[[], int]  # starts it and gives its process id
    pid: int = 0
    started: float = 0.0
    deaths: int = 0
    due: float = field(default=0.0)  # when to start it next, on the monotonic clock
    only_for: socket.socket | None = None  # it runs only while people come to this listener

    def run(self) -> None:
        self.pid, self.started = self.start(), time.monotonic()

    @property
    def is_wanted(self) -> bool:
        """Whether it has to run."""
        return self.only_for is None or bool(select.select([self.only_for], [], [], 0)[0])

    def rests(self, code: int) -> bool:
        """Whether it ended because nobody came any more, and not by an accident."""
        if self.only_for is None or code:
            return False
        self.pid, self.deaths, self.due = 0, 0, 0.0
        return True

    def died(self) -> float:
        """Note the death; gives the seconds to wait: at once the first time, then longer and longer."""
        now = time.monotonic()
        self.deaths = 1 if now - self.started > LIVED_WELL else self.deaths + 1
        wait = 0.0 if self.deaths == 1 else float(min(LONGEST_WAIT, 2 ** (self.deaths - 2)))
        self.pid, self.due = 0, now + wait
        return wait

    def signal(self, number: int, *, group: bool = False) -> None:
        """Pass a signal on to it, or to it and all it started."""
        if not self.pid:
            return
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, number)
