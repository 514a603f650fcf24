"""One database of a given size, and the time each page takes over it. Started by bench/pages.py."""

import datetime as dt
import hashlib
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent, AuditHead
from enrollment.models import CertificationRequest, Status
from tests.conftest import make_csr, open_session


def fill(size: int) -> tuple[User, User, list[CertificationRequest]]:
    """`size` requests of two people, half of them waiting so that each page is full; as many audit events."""
    call_command("migrate", verbosity=0)
    officer = User.objects.create_user("bob", None, is_officer=True, is_auditor=True)
    people = [User.objects.create_user(f"person{n}", None, is_requester=True) for n in range(2)]
    csr = make_csr()
    now = timezone.now()
    requests = [
        CertificationRequest(
            owner=people[n % 2],
            created_at=now - dt.timedelta(seconds=n),
            status=Status.PENDING if n % 4 < 2 else Status.WITHDRAWN,
            profile="tls-client",
            device=f"phone {n}",
            csr=csr,
            csr_sha256=hashlib.sha256(csr).hexdigest(),
            key_sha256=hashlib.sha256(str(n).encode()).hexdigest(),
            common_name=f"phone {n}",
            days=365,
        )
        for n in range(size)
    ]
    CertificationRequest.objects.bulk_create(requests, batch_size=2000)
    digests = [hashlib.sha256(f"e{n}".encode()).hexdigest() for n in range(size)]
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                sequence=n + 1,
                at=now,
                actor=f"person{n % 2}",
                action="request.submitted",
                target=str(requests[n].id),
                previous="0" * 64,
                digest=digests[n],
            )
            for n in range(size)
        ),
        batch_size=2000,
    )
    AuditHead.objects.update_or_create(pk=1, defaults={"sequence": size, "digest": digests[-1]})
    return officer, people[0], requests


def main(size: int) -> None:
    officer, requester, requests = fill(size)
    clients = {"officer": Client(), "requester": Client()}
    open_session(clients["officer"], officer)
    open_session(clients["requester"], requester)
    waiting = [r for r in requests if r.status == Status.PENDING]
    pages = {
        "/queue/": ("officer", "/queue/"),
        "/queue/?q=phone": ("officer", "/queue/?q=phone"),
        "/queue/<one>": ("officer", f"/queue/{waiting[-1].id}"),
        "/requests/": ("requester", "/requests/"),
        "/requests/<one>": ("requester", f"/requests/{requests[0].id}"),
        "/audit": ("officer", "/audit"),
        "/": ("officer", "/"),
    }
    print(*(page for page in pages), flush=True)
    for line in sys.stdin:
        who, path = pages[line.strip()]
        begun = time.perf_counter()
        answer = clients[who].get(path, secure=True)
        took = (time.perf_counter() - begun) * 1000
        assert answer.status_code == 200, (path, answer.status_code)
        print(f"{took:.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
