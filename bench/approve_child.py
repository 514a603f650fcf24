"""Fills a running instance's database for bench/approve.py: an officer's session and requests that wait.

Prints one JSON document: both people's cookies, the ids of requests to approve and to withdraw, and as many
CSRs for the signer alone.
"""

import base64
import json
import os
import sys
import uuid

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.test import Client

from accounts.models import User
from enrollment import history, ra
from pki.csr import parse
from pki.profiles import PROFILES
from tests.conftest import make_csr, open_session


def cookie(someone: User) -> dict[str, str]:
    """The session of a browser in which this person has signed in."""
    return {name: morsel.value for name, morsel in open_session(Client(), someone).cookies.items()}


def main(count: int) -> None:
    history.WAITING_EACH = 2 * count  # one person asks for more here than anybody may
    officer = User.objects.create_user("bob", None, is_officer=True)
    asker = User.objects.create_user("alice", None, is_requester=True)
    waiting = [
        ra.submit(
            by=asker,
            address="192.168.7.20",
            csr=parse(make_csr()),
            profile="tls-client",
            device=f"phone {n}",
            sans=[],
        )
        for n in range(2 * count)
    ]
    answer = {
        "cookies": [cookie(officer), cookie(asker)],
        "requests": [str(request.pk) for request in waiting[:count]],
        "withdrawn": [str(request.pk) for request in waiting[count:]],
        "profile_digest": PROFILES["tls-client"].digest,
        "csrs": [base64.b64encode(parse(make_csr()).der).decode() for _ in range(count)],
        "people": [str(uuid.uuid4()), str(uuid.uuid4())],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(int(sys.argv[1]))
