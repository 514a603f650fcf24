"""How much SCEP one network may ask in vain, how much is worked on at once, how often one envelope is tried.

Anybody can make a key, sign with it, and so have us use the RA's. Challenges are too long to be guessed: this
is about work, noise, and recorded messages that somebody changes bit by bit. All of it is in memory, as there
is one status process: strangers write nothing.
"""

import hashlib
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from accounts.addresses import network_of
from audit import trail

log = logging.getLogger(__name__)
K = TypeVar("K")
V = TypeVar("V")

IN_VAIN = 30  # messages that lead to nothing, from one network at once
EACH = 1.0  # seconds until it has another one; so whoever shares it with somebody who erred waits no longer
USEFUL = 0.1  # of that costs a message that leads to a certificate: each is remembered, also the hundredth
REMEMBERED = 4096  # networks; also envelopes
NOTED_AGAIN = 86400.0  # seconds until the same network gets another line of the audit trail
NOTES = 20  # such lines, of all networks together, in the same time
AT_WORK = 12  # messages at once: a face has 16 threads, and the others serve lists (portal/crowd.py)
OF_ONE = 8  # of them from one network
TRIES = 3  # of one envelope


class TooMuch(Exception):
    """Not looked at. Ask again after `seconds`; `status` of the HTTP answer."""

    def __init__(self, sentence: str, status: int, seconds: int) -> None:
        super().__init__(sentence)
        self.status, self.seconds = status, seconds


@dataclass
class Turn:
    """One message at work."""

    network: str
    in_vain: bool = True


@dataclass
class Limits:
    """The counts of one process."""

    lock: Lock = field(default_factory=Lock)
    paid_until: OrderedDict[str, float] = field(default_factory=OrderedDict)  # monotonic seconds
    noted: dict[str, float] = field(default_factory=dict)
    at_work: Counter[str] = field(default_factory=Counter)
    tried: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    def begin(self, network: str, now: float) -> float:
        """Seconds to wait; 0.0: go on, and this message counts already, as sixteen in parallel have to."""
        with self.lock:
            until = max(self.paid_until.get(network, now), now) + EACH
            if until - now > IN_VAIN * EACH:
                return until - now - IN_VAIN * EACH
            _put(self.paid_until, network, until)
            return 0.0

    def give_back(self, network: str, part: float) -> None:
        with self.lock:
            if network in self.paid_until:
                self.paid_until[network] -= part * EACH

    def enter(self, network: str) -> bool:
        """Whether there is a place to work."""
        with self.lock:
            if self.at_work.total() >= AT_WORK or self.at_work[network] >= OF_ONE:
                return False
            self.at_work[network] += 1
            return True

    def leave(self, network: str) -> None:
        with self.lock:
            self.at_work[network] -= 1
            self.at_work += Counter()  # drops those at zero

    def is_news(self, network: str, now: float) -> bool:
        """Whether this network is to be written down: once, and not with many others."""
        with self.lock:
            self.noted = {one: at for one, at in self.noted.items() if now - at < NOTED_AGAIN}
            if network in self.noted or len(self.noted) >= NOTES:
                return False
            self.noted[network] = now
            return True


limits = Limits()


@contextmanager
def turn(address: str) -> Iterator[Turn]:
    """Around the work on one message. Raises TooMuch before any of it."""
    mine = Turn(network_of(address))
    wait = limits.begin(mine.network, time.monotonic())
    if wait:
        _note(mine.network, address)
        raise TooMuch("Too many messages from your network were in vain.", 429, max(1, round(wait)))
    if not limits.enter(mine.network):
        limits.give_back(mine.network, 1)
        raise TooMuch("Too many messages at once.", 503, 2)
    try:
        yield mine
    finally:
        limits.leave(mine.network)
        if not mine.in_vain:
            limits.give_back(mine.network, 1 - USEFUL)


def _note(network: str, address: str) -> None:
    if limits.is_news(network, time.monotonic()):
        log.warning("scep address=%s too many messages in vain", address)
        trail.record("scep.throttled", address=address, detail={"network": network, "in_vain": IN_VAIN})


def may_open(content_key: bytes) -> bool:
    """Whether an envelope with this content key is looked into: not after a few that led to nothing.

    CBC guards no text from changes: who keeps a phone's message from arriving could send it thousands of
    times, changed and signed anew, and learn its challenge from what is answered, or how fast. Each of them
    has the same content key: nobody but the phone can encipher the challenge for us under another.
    """
    with limits.lock:
        return limits.tried.get(_digest(content_key), 0) < TRIES


def opened_in_vain(content_key: bytes) -> None:
    """What was under this content key led to nothing."""
    digest = _digest(content_key)
    with limits.lock:
        _put(limits.tried, digest, limits.tried.get(digest, 0) + 1)


def _digest(content_key: bytes) -> bytes:
    return hashlib.sha256(content_key).digest()


def _put(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
