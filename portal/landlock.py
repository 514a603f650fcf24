"""Landlock: a process gives up, for good and without root, what it does not need (Linux 5.13 and later).

Thin over the three system calls of landlock(7). What is not granted is refused; nothing can be taken out of a
granted folder again, so `without` grants its entries one by one instead.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
GET_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS, which the kernel demands first

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST_THIRTEEN = (1 << 13) - 1  # what version 1 knows; each later version added some
ADDED = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}

READ = EXECUTE | READ_FILE | READ_DIR
DEVICES = 1 << 6 | 1 << 11  # making device files
WRITE = (FIRST_THIRTEEN | REFER | TRUNCATE) & ~DEVICES
# What a file, not a folder, can be given.
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1 << 0, 1 << 1  # version 6

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The kernel's Landlock version; 0 where there is none, or where it is switched off."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(GET_VERSION))))


def enter(*, readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Confine this thread and all it starts to these trees; paths that do not exist are left out.

    Outside them nothing can be read, run or written. Processes outside can neither be traced (so their memory
    stays closed, for root too) nor, from version 6 on, signalled. False where the kernel has no Landlock.
    """
    known = version()
    if not known:
        return False
    handled = FIRST_THIRTEEN
    for since, right in ADDED.items():
        handled |= right if known >= since else 0
    scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS if known >= 6 else 0
    attributes = _Ruleset(handled, 0, scoped)
    size = 24 if known >= 6 else 16 if known >= 4 else 8  # older kernels refuse members they do not know
    ruleset = _checked(_libc.syscall(CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0))
    try:
        for rights, trees in ((READ, readable), (READ | WRITE, writable)):
            for tree in trees:
                _allow(ruleset, tree, rights & handled)
        _checked(_libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_libc.syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, tree: Path, rights: int) -> None:
    try:
        handle = os.open(tree, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= ON_FILES
        rule = _Beneath(rights, handle)
        _checked(_libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(handle)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {errno.errorcode.get(number)} {os.strerror(number)}")
    return int(result)


def without(tree: Path, hidden: Iterable[Path]) -> Iterator[Path]:
    """`tree` itself; its entries around what is hidden, where that lies inside; nothing for a hidden tree.

    What is made in a folder taken apart this way later on is not granted.
    """
    tree = tree.resolve()
    inside = [path for path in (place.resolve() for place in hidden) if path == tree or tree in path.parents]
    if tree in inside or any(tree.is_relative_to(place.resolve()) for place in hidden):
        return
    if not inside:
        yield tree
        return
    for entry in tree.iterdir():
        if not entry.is_symlink():  # what a link points to is granted in its own place, or not at all
            yield from without(entry, inside)
