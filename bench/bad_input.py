"""The slowest answer to a bad certification request, beside a trivial view of the same process.

All of tests/pki/bad_csrs.py, as pasted or uploaded, through the whole of Django.
"""

import os
import statistics
import tempfile
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import User
from tests.conftest import Browser, open_session
from tests.pki.bad_csrs import BAD


def milliseconds(client: Client, data: bytes) -> float:
    """For one bad file, until its answer, which must be a 4xx."""
    form = {"file": SimpleUploadedFile("a.csr", data), "purpose": "tls-client", "device": "phone"}
    begun = time.perf_counter()
    status = client.post("/requests/new", form).status_code
    took = (time.perf_counter() - begun) * 1000
    if not 400 <= status < 500:
        raise RuntimeError(f"a bad request was answered with {status}")
    return took


def trivial(client: Client) -> float:
    begun = time.perf_counter()
    client.get("/healthz")
    return (time.perf_counter() - begun) * 1000


def rows() -> list[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        connection.close()
        connection.settings_dict["NAME"] = f"{folder}/bench.sqlite3"
        call_command("migrate", verbosity=0)
        client = open_session(Browser(), User.objects.create_user("alice", None, is_requester=True))
        yardstick = statistics.median([trivial(client) for _ in range(20)])
        times = {title: min(milliseconds(client, make()) for _ in range(2)) for title, make in BAD.items()}
        connection.close()
    worst = max(times, key=lambda title: times[title])
    middle = statistics.median(times.values())
    value = f"{times[worst]:.0f} ms ({worst}); median {middle:.0f} ms"
    what = f"slowest of {len(times)} bad requests through the submit page"
    return [(what, value, f"{times[worst] / yardstick:.0f} trivial views", "<= 1000 ms")]
