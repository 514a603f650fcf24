"""Kills of every other process than the signer, at random moments, while people and devices are at work.

The supervisor lets a process that dies again and again wait longer and longer, up to half a minute; so a
round is six kills of each, then everything is ended and started again over the same folder. The broker is no
child of ours: it is killed, and started again by us after a moment, as its own supervisor would.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.door.broker import Mosquitto
from tests.portal.postbox import MailServer, mail_server
from tests.portal.running import free_port
from tests.soak.away import mail_url
from tests.soak.household import House, household, processes, reopened
from tests.soak.ledger import Ledger
from tests.soak.load import at_work, home, letters, settled, wait_for
from tests.soak.results import Outcome

CHILDREN = ("portal", "door", "status", "housekeeping", "dialler", "check")
EACH = 6  # kills of one process in a round
ALONG = 12  # things that are answered in each round, at least
PATIENCE = 60  # seconds until a killed process must be back: it may have to wait for thirty
AGAIN = 360  # seconds until every letter has arrived: they are tried again after a minute, and after five


@dataclass
class Round:
    """What the killers share."""

    house: House
    ledger: Ledger
    broker: Mosquitto
    found: Outcome

    def killed(self, name: str) -> None:
        with self.ledger.lock:
            self.found.tried += 1
            self.found.counts[f"{name} killed"] += 1


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    """Rounds until `count` were killed; the last one may be shorter."""
    port, post, ledger, known = free_port(), MailServer(free_port()), Ledger(), None
    servers = {"LATCHKEY_MQTT_URL": f"mqtt://127.0.0.1:{port}", "EMAIL_URL": mail_url(post)}
    names = [*CHILDREN, "broker"]
    with home(folder, ledger, port) as broker, mail_server(post):
        for start in range(0, count, EACH * len(names)):
            left = min(EACH * len(names), count - start)
            opened = reopened(known, **servers) if known else household(folder, **servers)
            with opened as house:
                known = house
                found = _round(Round(house, ledger, broker, Outcome()), names, left, begin + start)
                letters(ledger, post)
                found.lost += ledger.letters_lost(house.hand("books"))
            yield left, found


def _round(this: Round, names: list[str], kills: int, seed: int) -> Outcome:
    before = this.ledger.counts()
    shares = {name: len(range(n, kills, len(names))) for n, name in enumerate(names)}
    with at_work(this.house, this.ledger, devices=10):
        killers = [
            threading.Thread(target=_kill, args=(this, name, share, random.Random(f"{seed} {name}")))
            for name, share in shares.items()
        ]
        for killer in killers:
            killer.start()
        for killer in killers:
            killer.join()
        wait_for(this.ledger, min(ALONG, kills), PATIENCE * 2)
    this.found.lost += settled(this.house, this.ledger, AGAIN)
    after = this.ledger.counts()
    after.subtract(before)
    this.found.counts += +after
    this.ledger.faults.clear()
    return this.found


def _kill(this: Round, name: str, times: int, dice: random.Random) -> None:
    for _ in range(times):
        if name == "broker":
            _kill_broker(this, dice)
            continue
        pid = _back(this, name)
        if not pid:
            this.ledger.fault(f"{name} was not back within {PATIENCE} s")
            return
        time.sleep(dice.uniform(0, 1.5))
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # the check face ends by itself
            continue
        this.killed(name)


def _back(this: Round, name: str) -> int:
    """Its process id as soon as it runs; 0 when it does not come back."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if pid := processes(this.house.running).get(name, 0):
            return pid
        time.sleep(0.05)
    return 0


def _kill_broker(this: Round, dice: random.Random) -> None:
    time.sleep(dice.uniform(0.5, 4))
    this.ledger.broker_gone.append(time.monotonic())
    this.broker.stop()
    this.killed("broker")
    time.sleep(dice.uniform(0, 1))
    this.broker.start()
