"""Fills a running instance's database for bench/approve.py: an officer's session and requests that wait.

Prints one JSON document: the officer's cookie, the requests' ids, and as many orders for the signer alone.
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
from enrollment import ra
from pki.csr import parse
from pki.profiles import PROFILES
from tests.conftest import make_csr, open_session


def main(count: int) -> None:
    officer = User.objects.create_user("bob", None, is_officer=True)
    asker = User.objects.create_user("alice", None, is_requester=True)
    session = open_session(Client(), officer).cookies
    waiting = [
        ra.submit(
            by=asker,
            address="192.168.7.20",
            csr=parse(make_csr()),
            profile="tls-client",
            device=f"phone {n}",
            sans=[],
        )
        for n in range(count)
    ]
    answer = {
        "cookie": {name: morsel.value for name, morsel in session.items()},
        "requests": [str(request.pk) for request in waiting],
        "profile_digest": PROFILES["tls-client"].digest,
        "csrs": [base64.b64encode(parse(make_csr()).der).decode() for _ in range(count)],
        "people": [str(uuid.uuid4()), str(uuid.uuid4())],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(int(sys.argv[1]))
