"""One database with so many certificates, and the time each page takes. Started by certificates.py."""

import datetime as dt
import hashlib
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.utils import timezone

from accounts.models import User
from pki import catalogue, search_words
from pki.catalogue import Wanted
from pki.models import Certificate
from tests.conftest import open_session

DEVICES = ("phone", "tablet", "laptop", "watch", "lamp", "sensor", "printer", "camera")
PEOPLE = 1000
DER = random.Random(1).randbytes(700)
COLUMNS = tuple(field.column for field in Certificate._meta.concrete_fields)
BATCH = 20_000
SQLITE = connection.vendor == "sqlite"


def rows(size: int, owners: list[str]) -> Iterator[Certificate]:
    """Three years of them: most have ended, one in twenty was revoked, a few are on hold."""
    dice, now = random.Random(2), timezone.now()
    for number in range(size):
        person = dice.randrange(PEOPLE)
        issued = now - dt.timedelta(seconds=dice.randrange(3 * 365 * 86400))
        profile = "tls-client" if number % 50 else ("mqtt-client", "tls-server")[number % 100 // 50]
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        gone = number % 40 in (0, 17)
        reason = ("certificateHold" if number % 20_000 == 0 else "superseded") if gone else ""
        yield Certificate(
            id=uuid.UUID(int=dice.getrandbits(128)),
            request_id=uuid.UUID(int=(number << 64) + dice.getrandbits(64)),
            owner=owners[person % len(owners)],
            authority="clients",
            profile=profile,
            serial=f"7{digest[:39]}",
            fingerprint=digest,
            key_sha256=digest[::-1],
            subject=f"person{person}'s {DEVICES[number % 8]} {number}",
            der=DER,
            not_before=issued,
            not_after=issued + dt.timedelta(days=365),
            issued_at=issued,
            revoked_at=issued + dt.timedelta(days=20) if gone else None,
            reason=reason,
        )


def insert(table: str, columns: tuple[str, ...], found: list[list[object]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in found:
                    copy.write_row(row)
        else:
            marks = ", ".join(["?"] * len(columns))
            # Past Django, which would look at each value again.
            connection.connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", found
            )


def fill(size: int) -> User:
    call_command("migrate", verbosity=0)
    people = [
        User(username=f"person{n}", full_name=f"Person {n}", is_requester=True)
        for n in range(min(PEOPLE, size))
    ]
    User.objects.bulk_create(people)
    with without_indexes() as cursor, transaction.atomic():
        cursor.execute("CREATE TEMPORARY TABLE words (word, certificate_id)") if SQLITE else None
        found = rows(size, [str(person.pk) for person in people])
        while some := list(islice(found, BATCH)):
            _store(some)
        if SQLITE:  # in the order of its index
            cursor.execute(
                "INSERT INTO pki_certificateword (word, certificate_id) "
                "SELECT DISTINCT word, certificate_id FROM words ORDER BY 1, 2"
            )
    if not SQLITE:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    connection.close()  # the pragmas with it
    return User.objects.create_user("bob", None, is_officer=True)


@contextmanager
def without_indexes() -> Iterator[CursorWrapper]:
    """SQLite makes them several times faster afterwards; they are the same ones in the end."""
    with connection.cursor() as cursor:
        made = []
        if SQLITE:
            for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                "AND tbl_name LIKE 'pki_certificate%%'"
            )
            made = cursor.fetchall()
        for name, _ in made:
            cursor.execute(f'DROP INDEX "{name}"')
        yield cursor
        for _, sql in made:
            cursor.execute(sql)


def _store(found: list[Certificate]) -> None:
    fields = Certificate._meta.concrete_fields
    if SQLITE:
        prepared = [[f.get_db_prep_save(getattr(c, f.attname), connection) for f in fields] for c in found]
    else:
        prepared = [[_plain(getattr(c, f.attname)) for f in fields] for c in found]
    insert("pki_certificate", COLUMNS, prepared)
    words = [
        [word.encode(), c.id.hex if SQLITE else c.id]
        for c in found
        for word in search_words.of(c.subject, [])
    ]
    insert("words" if SQLITE else "pki_certificateword", ("word", "certificate_id"), words)


def _plain(value: object) -> object:
    """For COPY: JSON as text."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def deep(size: int, part: float, **wanted: str) -> str:
    """The place a good way down a list."""
    asked = Wanted(**wanted)
    column, descending = catalogue.order(asked)
    sign = "-" if descending else ""
    found = catalogue._fitting(asked).order_by(f"{sign}{column}", f"{sign}id")
    count = found.count()
    value, pk = found.values_list(column, "pk")[max(0, int(count * part) - 60)]
    return f"{value.isoformat() if isinstance(value, dt.datetime) else value}_{pk}"


def pages(size: int) -> dict[str, dict[str, str]]:
    """What is asked, as queries: each list's first page, and the same list further down."""
    known = Certificate.objects.defer("der").order_by("id")[size // 2]
    found: dict[str, dict[str, str]] = {
        "serial number": {"q": known.serial, "state": "any"},
        "fingerprint": {"q": known.fingerprint, "state": "any"},
        "a rare word": {"q": f"phone {known.subject.split()[-1]}", "state": "any"},
        "a person": {"q": "person 7", "state": "any"},
        "a word that many have": {"q": "pho"},
    }
    lists = {
        "by end": {},
        "by issue": {"sort": "issued"},
        "by name": {"sort": "name"},
        "revoked by name": {"state": "revoked", "sort": "name"},
        "one purpose": {"profile": "mqtt-client"},
        "revoked of one purpose": {"state": "revoked", "profile": "mqtt-client"},
        "any": {"state": "any"},
    }
    for name, query in lists.items():
        found[name] = query
        for part in (0.9,) if size > 1000 else ():
            found[f"{name}, {part:.0%} down"] = {**query, "after": deep(size, part, **query)}
    return found


def main(size: int) -> None:
    client = Client()
    open_session(client, fill(size))
    asked = pages(size)
    print(json.dumps(list(asked)), flush=True)
    for line in sys.stdin:
        # SQLite works in this very process, so what other programs do meanwhile need not count.
        clock = time.process_time if SQLITE else time.perf_counter
        begun = clock()
        address = "/certificates/timeline" if line.strip() == "timeline" else "/certificates/"
        answer = client.get(address, asked.get(line.strip(), {}), secure=True)
        took = (clock() - begun) * 1000
        assert answer.status_code == 200, (line, answer.status_code)
        print(f"{took:.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
