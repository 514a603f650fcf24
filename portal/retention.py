"""What is forgotten after the time that the household sets: who opened which door, and who was where.

What was asked for, decided and issued stays, and so does the audit trail, without what is private in it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile

from django.db import connection
from django.utils import timezone

from accounts import household, kinds, signins, unusual
from accounts.models import Departure, Notice
from audit import fading
from door import history
from enrollment import places

BATCHES = 40  # at a time: housekeeping has other duties, and comes again
_SAY_WHERE = (kinds.SIGN_IN, kinds.DEVICE)  # messages with addresses


def forget() -> str:
    """What is due, in small steps; what was done in a few words, "" for nothing. Raises fading.Broken."""
    unusual.forget()
    days = household.current().fade_days
    try:
        return _forget(days) if days else ""
    finally:
        _overwrite()


def _forget(days: int) -> str:
    before = timezone.now() - timedelta(days=days)
    rows = signins.forget(before) + places.forget(before) + _forget_messages(before)
    rows += Departure.objects.filter(at__lt=before).exclude(address="").update(address="")
    rows += _until_nothing(lambda: history.forget(before))
    lines = _until_nothing(lambda: fading.fade(before, days=days))
    done = ((rows, "rows forgotten"), (lines, "lines of the audit faded"))
    return ", ".join(f"{count} {what}" for count, what in done if count)


def _overwrite() -> None:
    """Take what is gone out of SQLite's write-ahead log too: pages stay there as they were until something
    new needs their place, which may be never. (Within the database `secure_delete` overwrites.)

    Who reads just then, an export say, is not waited for long: it comes again with the next housekeeping.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 500")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before}")


def _until_nothing(step: Callable[[], int]) -> int:
    """`step` again and again, each in a transaction of its own, so that nobody waits for it long."""
    return sum(takewhile(bool, (step() for _ in range(BATCHES))))


def _forget_messages(before: datetime) -> int:
    """Their text; that it was told stays, so that it is not told again."""
    return Notice.objects.filter(kind__in=_SAY_WHERE, at__lt=before).exclude(text="").update(text="")
