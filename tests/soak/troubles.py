"""What the lines about a household in trouble have in common: load before, in it, and after it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.soak.household import House
from tests.soak.ledger import Ledger
from tests.soak.load import Load, at_work, settled, wait_for
from tests.soak.results import Outcome

ALONG = 6  # things that are answered before, and after

Trouble = Callable[[Load], AbstractContextManager[object]]


def endured(house: House, ledger: Ledger, trouble: Trouble, seconds: float) -> Outcome:
    """Work, some seconds of trouble, and work again; then what was lost.

    In trouble "not now" is a good answer, and "something broke" never is.
    """
    before, known = ledger.counts(), house.pids()
    with at_work(house, ledger, devices=4) as load:
        wait_for(ledger, ALONG)
        with trouble(load):
            load.may_sign_in = False
            time.sleep(seconds)
        load.may_sign_in = True
        wait_for(ledger, ALONG)
    lost = settled(house, ledger)
    known = {name: pid for name, pid in known.items() if name != "check"}
    lost += [f"{name} died" for name, pid in known.items() if house.pids().get(name) != pid]
    found = ledger.counts()
    found.subtract(before)
    ledger.faults.clear()
    return Outcome(1, lost, +found)
