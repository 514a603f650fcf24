"""The clock jumps an hour ahead and back, or an hour behind and back, for the whole household at once.

Real processes under libfaketime. Whoever was signed in may have to sign in again. What was made an hour ahead
must be good when it is an hour earlier, and what was approved before the clock went back must not be lost.
"""

import time
from collections.abc import Iterator
from glob import glob
from pathlib import Path

from tests.portal.aged import FOUND, Clock
from tests.soak.household import House, household
from tests.soak.ledger import Ledger
from tests.soak.load import at_work, settled, wait_for
from tests.soak.results import Outcome

ALONG = 6  # things that are answered before the jump, and after it, and when the clock is right again
HOURS = (1, -1)
SOON = 30  # seconds: lists of one second follow each other by a second, which an hour ahead adds up


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    if not glob(FOUND):
        yield count, Outcome(skipped="libfaketime is not installed")
        return
    clock, ledger = Clock(folder), Ledger()
    with household(folder, **clock.environment) as house:
        for number in range(begin, begin + count):
            yield 1, jumps(house, ledger, clock, HOURS[number % len(HOURS)])


def jumps(house: House, ledger: Ledger, clock: Clock, hours: int) -> Outcome:
    """So many hours away from the true time, and back to it, in the middle of work."""
    before = ledger.counts()
    with at_work(house, ledger, devices=6):
        wait_for(ledger, ALONG)
        for there in (hours, 0):
            clock.set(there / 24)
            _lose_a_phone(house, ledger)
            wait_for(ledger, ALONG)
    lost = settled(house, ledger)
    after = ledger.counts()
    after.subtract(before)
    ledger.faults.clear()
    return Outcome(1, lost, +after)


def _lose_a_phone(house: House, ledger: Ledger) -> None:
    """It is on the list at once, or soon."""
    for _ in range(SOON):
        time.sleep(1)
        trouble = house.hand("lose_one", owner="alice")["trouble"]
        if not trouble:
            return
    ledger.fault(f"no list within {SOON} s: {trouble}")
