"""Changes the audit trail again and again, has it verified, and takes the change back.

    python -m tests.soak.trail_child FIRST COUNT

Prints a line for each change that verification did not find.
"""

import io
import random
import sys

import django

django.setup()

from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit.models import AuditEvent, AuditHead
from pki import crl
from pki.signer.protocol import AUTHORITIES
from tests.audit import changes

COLUMNS = ("actor", "address", "action", "target", "detail", "commitment", "salt", "previous", "digest", "at")


def rewritten(line: AuditEvent, chance: random.Random) -> None:
    """One column, past everything that Django checks. Other signs for the same content are no change of it:
    a blank more in JSON, another sign between day and hour."""
    before = read(line)
    while read(line) == before:
        rewrite(line, chance)


def rewrite(line: AuditEvent, chance: random.Random) -> None:
    """One character, or bytes that are no text at all."""
    column = chance.choice(COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM audit_auditevent WHERE sequence = %s", [line.pk])
        value = str(cursor.fetchone()[0])
        at = chance.randrange(len(value) + 1)
        new: object = value[:at] + chance.choice("0aZ -{\x01ü") + value[at + 1 :]
        if chance.random() < 0.1:
            new = chance.choice([b"\xff\xfe\x00", "", 7, "9" * 40])
        cursor.execute(f"UPDATE audit_auditevent SET {column} = %s WHERE sequence = %s", [new, line.pk])


def read(line: AuditEvent) -> object:
    """What stands there, as the program reads it."""
    try:
        return AuditEvent.objects.filter(pk=line.pk).values_list(*COLUMNS)[0]
    except (ValueError, TypeError, OverflowError):
        return "cannot be read"


def cut_cleverly(line: AuditEvent, chance: random.Random) -> None:
    """Cut off at the end, with the stored head put back to what is left."""
    changes.cut(line, chance)
    last = AuditEvent.objects.order_by("-sequence").first()
    AuditHead.objects.update(sequence=last.sequence if last else 0, digest=last.digest if last else "0" * 64)


KINDS = (*changes.CHANGES, rewritten, rewritten, rewritten, cut_cleverly, cut_cleverly)


def is_found() -> bool:
    try:
        call_command("verify_audit", stdout=io.StringIO())
    except CommandError:
        return True
    return False


def published() -> int:
    """The number of the last line of which a revocation list tells. A cut behind it shows with the next."""
    heads = [crl.current(name).audit_head for name in AUTHORITIES]
    return max(AuditEvent.objects.filter(digest__in=heads).values_list("sequence", flat=True))


def main(first: int, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")  # as who writes into the file itself
    lines = published()
    assert not is_found(), "broken before anything was changed"
    for number in range(first, first + count):
        chance = random.Random(f"audit {number}")
        with transaction.atomic():
            kind, line = chance.choice(KINDS), AuditEvent.objects.get(sequence=chance.randint(1, lines))
            kind(line, chance)
            if not is_found():
                print(f"{number}: {kind.__name__} of line {line.sequence} was not found", flush=True)
            transaction.set_rollback(True)
    assert not is_found(), "broken after everything was taken back"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
