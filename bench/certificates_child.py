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

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.core.management import call_command
from django.db import connection
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
COLUMNS = (
    *("id", "request_id", "owner", "authority", "profile", "serial", "fingerprint", "key_sha256"),
    *("subject", "sans", "der", "not_before", "not_after", "issued_at", "revoked_at", "reason"),
    *("invalidity", "linted_with"),
)
BATCH = 20_000


def rows(size: int, owners: list[str]) -> Iterator[tuple[object, ...]]:
    """Three years of them: most have ended, one in twenty was revoked, a few are on hold."""
    dice, now = random.Random(2), timezone.now()
    for number in range(size):
        person = dice.randrange(PEOPLE)
        issued = now - dt.timedelta(seconds=dice.randrange(3 * 365 * 86400))
        profile = "tls-client" if number % 50 else ("mqtt-client", "tls-server")[number % 100 // 50]
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        gone = number % 40 in (0, 17)
        reason = ("certificateHold" if number % 20_000 == 0 else "superseded") if gone else ""
        yield (
            uuid.UUID(int=dice.getrandbits(128)),
            uuid.UUID(int=dice.getrandbits(128)),
            owners[person % len(owners)],
            "clients",
            profile,
            f"7{digest[:39]}",
            digest,
            hashlib.sha256(digest.encode()).hexdigest(),
            f"person{person}'s {DEVICES[number % 8]} {number}",
            "[]",
            DER,
            issued,
            issued + dt.timedelta(days=365),
            issued,
            issued + dt.timedelta(days=20) if gone else None,
            reason,
            None,
            "",
        )


def insert(table: str, columns: tuple[str, ...], found: list[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in found:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        plain = [[v.hex if isinstance(v, uuid.UUID) else v for v in row] for row in found]
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", plain)


def fill(size: int) -> User:
    call_command("migrate", verbosity=0)
    people = [
        User(username=f"person{n}", full_name=f"Person {n}", is_requester=True)
        for n in range(min(PEOPLE, size))
    ]
    User.objects.bulk_create(people)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("PRAGMA cache_size = -400000")
    waiting: list[tuple[object, ...]] = []
    for row in rows(size, [str(person.pk) for person in people]):
        waiting.append(row)
        if len(waiting) == BATCH:
            _store(waiting)
            waiting = []
    _store(waiting)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    connection.close()  # the pragmas with it
    return User.objects.create_user("bob", None, is_officer=True)


def _store(found: list[tuple[object, ...]]) -> None:
    insert("pki_certificate", COLUMNS, found)
    words = [(word.encode(), row[0]) for row in found for word in search_words.of(str(row[8]), [])]
    insert("pki_certificateword", ("word", "certificate_id"), words)


def deep(size: int, part: float, **wanted: str) -> str:
    """The place a good way down a list."""
    asked = Wanted(**wanted)
    column, descending = catalogue.order(asked)
    found = catalogue._fitting(asked).order_by(f"{'-' if descending else ''}{column}", "id")
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
        for part in (0.5, 0.95) if size > 1000 else ():
            found[f"{name}, {part:.0%} down"] = {**query, "after": deep(size, part, **query)}
    return found


def main(size: int) -> None:
    client = Client()
    open_session(client, fill(size))
    asked = pages(size)
    print(json.dumps(list(asked)), flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        address = "/certificates/timeline" if line.strip() == "timeline" else "/certificates/"
        answer = client.get(address, asked.get(line.strip(), {}), secure=True)
        took = (time.perf_counter() - begun) * 1000
        assert answer.status_code == 200, (line, answer.status_code)
        print(f"{took:.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
