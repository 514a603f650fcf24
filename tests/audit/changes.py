"""What somebody with the database's password might do to the audit trail; the same for the same dice."""

import random
from collections.abc import Callable
from datetime import timedelta

from django.db import connection

from audit import trail
from audit.models import AuditEvent

Change = Callable[[AuditEvent, random.Random], None]
HEX = "0123456789abcdef"
# What SQLite takes in a column, written as SQL, though nobody can read it as a line of the trail.
UNREADABLE = [
    ("at", "'yesterday'"),
    ("at", "x'ff'"),
    ("actor", "x'fffe'"),
    ("actor", "CAST(x'ff' AS TEXT)"),
    ("salt", "x'ff'"),
    ("digest", "x'ff'"),
    ("detail", "'no JSON'"),
    ("detail", "'[1]'"),
    ("detail", "x'ff'"),
]


def spoil(sequence: int, column: str, value: str) -> None:
    """As who writes into SQLite's file itself."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute(f"UPDATE audit_auditevent SET {column} = {value} WHERE sequence = %s", [sequence])
        cursor.execute("PRAGMA ignore_check_constraints = OFF")


def fill(count: int = 12) -> list[AuditEvent]:
    return [
        trail.record(
            "test.line", actor=f"actor{n}", address="192.0.2.1", target=f"target {n}", detail={"n": n}
        )
        for n in range(count)
    ]


def edit(line: AuditEvent, chance: random.Random) -> None:
    """One change to one line."""
    field = chance.choice(["at", "actor", "address", "action", "target", "detail", "previous", "digest"])
    value = getattr(line, field)
    if field == "at":
        value += timedelta(microseconds=chance.randint(1, 10**9))
    elif field == "detail":
        value = {**value, "n": chance.randint(1000, 2000)}
    elif field in ("previous", "digest"):
        value = "".join(chance.choices(HEX, k=64))
    else:
        value = value[: chance.randint(0, len(value) - 1)] if value else "x"
    AuditEvent.objects.filter(pk=line.pk).update(**{field: value})


def remove(line: AuditEvent, chance: random.Random) -> None:
    line.delete()


def swap(line: AuditEvent, chance: random.Random) -> None:
    """Two lines change places, keeping their numbers."""
    other = chance.choice([found for found in AuditEvent.objects.all() if found.pk != line.pk])
    fields = ["at", "actor", "address", "action", "target", "detail", "previous"]
    AuditEvent.objects.filter(pk=line.pk).update(**{name: getattr(other, name) for name in fields})
    AuditEvent.objects.filter(pk=other.pk).update(**{name: getattr(line, name) for name in fields})


def cut(line: AuditEvent, chance: random.Random) -> None:
    """The line and all after it are gone."""
    AuditEvent.objects.filter(sequence__gte=line.sequence).delete()


CHANGES: tuple[Change, ...] = (edit, edit, edit, remove, swap, cut)
