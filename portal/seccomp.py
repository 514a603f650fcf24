"""seccomp: a process gives up, for good and without root, system calls that it does not need (seccomp(2)).

Landlock keeps files away, but not the programs of the same user that would read them for whoever asks at
their Unix socket: tmux, `systemd --user`, a container engine, the desktop. Here the socket itself is refused.
The filter holds for all that the process starts, too.
"""

import ctypes
import errno
import os
import socket
import struct
import sys
from typing import NamedTuple

from portal.landlock import NO_NEW_PRIVILEGES

SET_SECCOMP, MODE_FILTER = 22, 2  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER (prctl(2))
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO

# Classic BPF (linux/filter.h): load a word, keep some of its bits, compare, end.
LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
# struct seccomp_data. Of an argument its low word, on our little-endian machines the first: the kernel reads
# these as int, whatever stands above.
NUMBER, ARCHITECTURE, FIRST, SECOND = 0, 4, 16, 24

X32 = 0x40000000  # __X32_SYSCALL_BIT: the same calls on x86_64 under other numbers; beyond all of aarch64's
TYPE = 0xF  # SOCK_TYPE_MASK: without SOCK_CLOEXEC and SOCK_NONBLOCK

Step = tuple[int, int, int, int]  # operation, steps to skip where it holds, where it does not, constant


class Calls(NamedTuple):
    """An architecture as the kernel names it (AUDIT_ARCH_…), and its numbers of the calls that we look at."""

    architecture: int
    socket: int
    socketpair: int
    io_uring_setup: int


MACHINES = {"x86_64": Calls(0xC000003E, 41, 53, 425), "aarch64": Calls(0xC00000B7, 198, 199, 425)}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def calls() -> Calls | None:
    """This machine's; None where they are not known, as for a 32-bit Python on a 64-bit kernel."""
    return MACHINES.get(os.uname().machine) if sys.maxsize > 2**32 else None


def enter(*, unix_sockets: bool) -> bool:
    """Refuse (EPERM) to this thread and all it starts what a way out could be made of; `unix_sockets` leaves
    those. False where that cannot be: on another architecture, or where the kernel has no filters."""
    known = calls()
    if known is None:
        return False
    steps = [struct.pack("=HBBI", *step) for step in program(known, unix_sockets=unix_sockets)]
    filled = _Program(len(steps), b"".join(steps))
    for words in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, MODE_FILTER, ctypes.byref(filled), 0, 0)):
        if _libc.prctl(*words):
            return False
    return True


def program(known: Calls, *, unix_sockets: bool) -> list[Step]:
    """The filter."""
    refuse, allow = (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)
    # Calls of another architecture (int 0x80 on x86_64) have other numbers than those compared below.
    steps: list[Step] = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, known.architecture), refuse]
    steps += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), refuse]
    # io_uring makes and connects sockets by its ring, past every filter of calls.
    steps += [(EQUAL, 0, 1, known.io_uring_setup), refuse]
    if not unix_sockets:
        steps += [(EQUAL, 0, 4, known.socket), (LOAD, 0, 0, FIRST)]
        steps += [(EQUAL, 0, 1, socket.AF_UNIX), refuse, allow]
        # A pair of streams can be connected nowhere else; an end of a pair of datagrams can.
        steps += [(EQUAL, 0, 5, known.socketpair), (LOAD, 0, 0, SECOND), (AND, 0, 0, TYPE)]
        steps += [(EQUAL, 1, 0, socket.SOCK_STREAM), refuse, allow]
    return [*steps, allow]
