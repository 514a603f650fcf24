"""The disk of the data folder is full to the last byte, and then has room again.

A file system of its own for it: an image, mounted by root. Whoever is not root skips this line.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.soak.household import household
from tests.soak.ledger import Ledger
from tests.soak.load import Load
from tests.soak.results import Outcome
from tests.soak.troubles import endured

SIZE = 300 * 2**20  # bytes; 100 MB must be free to start
SECONDS = 15
BLOCK = 2**20


class CannotMount(Exception):
    """Why there is no disk of our own."""


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    try:
        with mounted(folder), household(folder) as house:
            ledger = Ledger()
            for _ in range(begin, begin + count):
                yield 1, endured(house, ledger, partial(_full, folder / "data"), SECONDS)
    except CannotMount as error:
        yield count, Outcome(skipped=str(error))


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """`folder`/data on a disk of its own. Raises CannotMount."""
    image, data = folder / "disk.img", folder / "data"
    if os.geteuid() != 0:
        raise CannotMount("only root can mount a disk of its own")
    with image.open("wb") as file:
        file.truncate(SIZE)
    data.mkdir()
    command("mkfs.ext4", "-q", "-m", "0", str(image))
    mount(image, data)
    try:
        (data / "lost+found").rmdir()
        yield
    finally:
        with suppress(CannotMount):
            command("umount", str(data))


def mount(image: Path, data: Path) -> None:
    command("mount", "-o", "loop", str(image), str(data))


def command(*words: str, fine: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode not in fine:
        raise CannotMount(f"{words[0]}: {done.stderr.strip()}")


@contextmanager
def _full(data: Path, load: Load) -> Iterator[None]:
    """Not one byte is free."""
    ballast = data / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            for size in (BLOCK, 4096, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"\1" * size)
        yield
    finally:
        ballast.unlink()
