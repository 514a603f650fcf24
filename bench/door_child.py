"""Fills a running instance for bench/door.py: a person with a certificate, and two doors.

    python -m bench.door_child DEVICE.pem

Writes the device's key and certificates to the file, and prints the PIN.
"""

import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from accounts.models import User
from door import pins
from door.models import Door, PinUse, Rule
from enrollment import ra
from pki import authorities
from pki.csr import parse
from pki.models import Certificate
from tests.conftest import make_csr

PIN = "739284"
HERE = "192.168.7.20"


def certified(owner: User, officer: User, device: str) -> bytes:
    """A key and its certificate with the chain, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    waiting = ra.submit(
        by=owner, address=HERE, csr=parse(make_csr(key=key)), profile="tls-client", device=device, sans=[]
    )
    ra.approve(request=waiting, by=officer, address=HERE)
    leaf = bytes(Certificate.objects.get(request_id=waiting.pk).der)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + authorities.pem(leaf) + authorities.pem(authorities.chain("clients")[0])


def main(device: Path) -> None:
    officer = User.objects.create_user("bob", None, is_officer=True)
    alice = User.objects.create_user("alice", None, full_name="Alice Amsel", is_requester=True)
    device.write_bytes(certified(alice, officer, "phone"))
    pins.put(alice, PIN)
    for name, pin in (("Front door", PinUse.HERE), ("Garage", PinUse.NONE)):
        slug = name.lower().replace(" ", "-")
        door = Door.objects.create(
            slug=slug, name=name, topic=f"latchkey/{slug}/open", pin=pin, presses_per_hour=9999
        )
        Rule.objects.create(door=door, person=alice)
    print(PIN)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
