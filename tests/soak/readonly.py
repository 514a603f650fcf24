"""The disk of the data folder becomes read-only, as Linux makes it after an error; it is mended, and started.

While it is read-only, what only reads goes on, and the rest is told "not now". A start on such a disk is
refused with a sentence. It takes a file system of its own, mounted by root; others skip this line.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.portal.running import manage
from tests.soak import web
from tests.soak.disk import CannotMount, command, mount, mounted
from tests.soak.household import House, household, reopened
from tests.soak.ledger import Ledger
from tests.soak.load import at_work, settled, wait_for
from tests.soak.results import Outcome
from tests.soak.troubles import ALONG

SECONDS = 15
READ = ("/requests/", "/certificates/")


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    try:
        with mounted(folder), ExitStack() as running:
            house, ledger = running.enter_context(household(folder)), Ledger()
            for _ in range(begin, begin + count):
                found = Outcome(1)
                house = _one(house, ledger, running, found)
                yield 1, found
    except CannotMount as error:
        yield count, Outcome(skipped=str(error))


def _one(house: House, ledger: Ledger, running: ExitStack, found: Outcome) -> House:
    """Read-only in the middle of work, then mended; gives the household that runs afterwards."""
    before, data = ledger.counts(), house.folder / "data"
    reader = house.session("alice")
    with at_work(house, ledger, devices=4) as load:
        wait_for(ledger, ALONG)
        load.may_sign_in = False
        command("mount", "-o", "remount,abort", str(data))
        time.sleep(SECONDS)
        found.lost += [f"{path}: {said}" for path in READ if (said := _unread(reader, path))]
    running.close()
    found.lost += _refused(house)
    command("umount", str(data))
    command("e2fsck", "-y", "-f", str(house.folder / "disk.img"), fine=(0, 1))
    mount(house.folder / "disk.img", data)
    again = running.enter_context(reopened(house))
    with at_work(again, ledger, devices=4):
        wait_for(ledger, ALONG)
    found.lost += settled(again, ledger)
    after = ledger.counts()
    after.subtract(before)
    found.counts += +after
    ledger.faults.clear()
    return again


def _unread(line: web.Line, path: str) -> str:
    """What is wrong with a page that only reads; "" for nothing."""
    try:
        status = line.ask("GET", path).status
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "" if status == 200 else str(status)


def _refused(house: House) -> list[str]:
    """A start on the read-only disk says why it will not."""
    done = manage("up", env=house.running.env)
    sentence = done.stderr.strip().splitlines()[-1:] or [""]
    well = done.returncode == 1 and "Traceback" not in done.stderr
    return [] if well else [f"a start on a read-only disk: {done.returncode}, {sentence[0]}"]
