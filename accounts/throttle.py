"""Guessing is slowed down, twice as much with each failure; no stranger can lock somebody else out.

An attempt counts, before it is looked at, against the user name from this address, the user name from
anywhere, and the address. The second has a low cap: whoever hammers a name from many addresses makes
its owner wait half a minute at most, and not at all in a browser where the owner has signed in before:
that one has a count of its own, known by a signed cookie. So has a recovery code that works, wherever it is
typed: no stranger has one, so somebody who keeps hammering keeps nobody out who has.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.addresses import network_of
from accounts.models import Throttle
from accounts.sealing import keyed_digest

COOKIE = "__Host-latchkey-known"
COOKIE_AGE = 180 * 86400  # seconds
_FORGET = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    free: int  # failures that cost nothing
    cap: int  # seconds to wait at most


PAIR, NAME, ADDRESS = Limit(free=3, cap=900), Limit(free=10, cap=30), Limit(free=30, cap=60)
Keys = dict[str, Limit]


def keys_for(name: str, address: str, cookie: str = "", recovery: str = "") -> Keys:
    """What an attempt counts against. `name` as normalised, `cookie` as the browser sent it, `recovery`: the
    digest of a recovery code that came along and works (accounts/recovery.py).
    """
    if recovery:
        return {f"recovery {recovery}": PAIR}
    known = _known(name, cookie)
    if known:
        return {f"browser {known}": PAIR}
    network, short = network_of(address), hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return {f"pair {short} {network}"[:128]: PAIR, f"name {short}": NAME, f"address {network}": ADDRESS}


def begin(keys: Keys) -> int:
    """Seconds to wait before the next attempt; 0: go on, and this attempt is counted as failed already.

    Counting first is what holds sixteen attempts in parallel to the limit too.
    """
    with transaction.atomic():
        rows = [_locked(key) for key in sorted(keys)]  # one order everywhere: no deadlocks
        now = timezone.now()  # only now: waiting for the locks took its time
        wait = max(_wait(row, keys[row.key], now) for row in rows)
        if wait == 0:
            for row in rows:
                row.failures, row.last_at = row.failures + 1, now
                row.save()
    return wait


def succeeded(keys: Keys) -> None:
    """Take the count back: entirely, but for the address only this one attempt, or one good account would
    let it guess on for all the others."""
    own = [key for key, limit in keys.items() if limit is not ADDRESS]
    with transaction.atomic():
        rows = Throttle.objects.filter(key__in=keys)
        list(rows.order_by("key").select_for_update())  # in begin's order: the deletion alone has none
        rows.filter(key__in=own).delete()
        rows.exclude(key__in=own).filter(failures__gt=0).update(failures=F("failures") - 1)


def known_cookie(name: str) -> str:
    """The cookie for a browser in which `name` has signed in."""
    return signing.dumps([keyed_digest(name, "known browser"), secrets.token_hex(8)], salt=COOKIE)


def sweep() -> int:
    """Forget what is older than a day; for the housekeeping. Returns how many counts went."""
    return Throttle.objects.filter(last_at__lt=timezone.now() - _FORGET).delete()[0]


def _known(name: str, cookie: str) -> str:
    """The number of this browser if `name` has signed in with it, else ""."""
    try:
        whose, number = signing.loads(cookie, salt=COOKIE, max_age=COOKIE_AGE)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(number) if whose == keyed_digest(name, "known browser") else ""


def _locked(key: str) -> Throttle:
    now = timezone.now()
    row, _ = Throttle.objects.select_for_update().get_or_create(key=key, defaults={"last_at": now})
    if now - row.last_at > _FORGET:
        row.failures = 0
    return row


def _wait(row: Throttle, limit: Limit, now: datetime) -> int:
    """Seconds, rounded up: 1, 2, 4 … after the free failures, up to the cap."""
    beyond = row.failures - limit.free
    if beyond <= 0:
        return 0
    until = row.last_at + timedelta(seconds=min(2 ** min(beyond - 1, 30), limit.cap))
    return max(0, -((now - until) // timedelta(seconds=1)))
