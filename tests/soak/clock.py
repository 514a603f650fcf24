"""The clock jumps an hour ahead, back, an hour behind, and back again, for the whole household at once.

Real processes under libfaketime. Whoever was signed in may have to sign in again; certificates and lists that
were made an hour ahead must be good an hour before.
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

ALONG = 6  # things that are answered before each jump, and after the last
HOURS = (1, 0, -1, 0)


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    if not glob(FOUND):
        yield count, Outcome(skipped="libfaketime is not installed")
        return
    clock, ledger = Clock(folder), Ledger()
    with household(folder, **clock.environment) as house:
        for number in range(begin, begin + count):
            yield 1, jumps(house, ledger, clock, HOURS[number % len(HOURS)])


def jumps(house: House, ledger: Ledger, clock: Clock, hours: int) -> Outcome:
    """To so many hours from the true time, in the middle of work, and work there."""
    before = ledger.counts()
    with at_work(house, ledger, devices=4) as load:
        wait_for(ledger, ALONG)
        clock.set(hours / 24)
        load.sessions.clear()
        time.sleep(1)
        house.hand("publish")
        house.hand("lose_one", owner="alice")
        wait_for(ledger, 2 * ALONG)
    lost = settled(house, ledger)
    after = ledger.counts()
    after.subtract(before)
    ledger.faults.clear()
    return Outcome(1, lost, +after)
