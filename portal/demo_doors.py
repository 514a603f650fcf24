"""The demo household's doors: who may open them, what happened at them, and devices to open them with."""

import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES
from django.utils import timezone

from accounts.models import User
from door import groups, manage, pins
from door.models import Door, Outcome, PinUse, Press
from enrollment.models import CertificationRequest
from pki import authorities
from pki.models import Certificate

OFFICER, GUEST = "dora", "frida"
FAMILY = ("dora", "bob", "alice", "charlie")
WORKDAYS = 0b0111111  # Monday to Saturday

DOORS: tuple[dict[str, object], ...] = (
    {"name": "Front door", "picture": "door", "colour": "teal", "position": 10, "served_by": "broker"},
    {
        **{"name": "Garage", "picture": "garage", "colour": "blue", "position": 20, "served_by": "broker"},
        # What was there before: it knows nothing of nonces and deadlines, and checks the PIN itself.
        **{"topic": "rfid/door1/open", "state_topic": "", "pin": PinUse.HOME, "payload": "{cn}:{pin}:"},
    },
    {"name": "Cellar", "picture": "cellar", "colour": "brown", "position": 30, "pin": PinUse.NONE},
)


@dataclass(frozen=True)
class Pressed:
    """A press that was made: how long ago, with which device, and what came of it."""

    hours: float
    door: str
    device: str
    outcome: Outcome


PRESSES = (
    Pressed(0.4, "front-door", "Alice's phone", Outcome.OPENED),
    Pressed(2, "cellar", "Charlie's tablet", Outcome.OPENED),
    Pressed(3, "garage", "Alice's phone", Outcome.RECEIVED),
    Pressed(3.1, "garage", "Alice's phone", Outcome.DENIED),
    Pressed(9, "front-door", "Frida's phone", Outcome.LOCKED),
    Pressed(9.1, "front-door", "Frida's phone", Outcome.WRONG_PIN),
    Pressed(21, "front-door", "Charlie's tablet", Outcome.OPENED),
    Pressed(21.1, "front-door", "Charlie's tablet", Outcome.WRONG_PIN),
    Pressed(26, "cellar", "Charlie's tablet", Outcome.OUTSIDE),
    Pressed(45, "front-door", "Alice's phone", Outcome.OPENED),
    Pressed(47, "front-door", "Alice's phone", Outcome.UNANSWERED),
    Pressed(70, "garage", "Charlie's tablet", Outcome.TOO_MANY),
    Pressed(71, "garage", "Charlie's tablet", Outcome.RECEIVED),
    Pressed(98, "front-door", "Alice's old phone", Outcome.OPENED),
)


@dataclass(frozen=True)
class Device:
    """A device that can be played: its key with certificate and chain, as PEM and as PKCS#12."""

    owner: str  # user name
    pem: Path
    p12: Path
    password: str  # of the PKCS#12


def fill(people: dict[str, User], address: str) -> dict[str, str]:
    """Doors, rules, PINs, and what happened lately. Gives everybody's PIN by user name."""
    officer = people[OFFICER]
    for practice in Door.objects.filter(practice=True):
        manage.retire(practice, by=officer, address=address)
    doors = [manage.create(values, by=officer, address=address) for values in DOORS]
    _rules(doors, people, address)
    given = {username: _pin() for username in people}
    for username, pin in given.items():
        pins.put(people[username], pin, address=address)
    for press in PRESSES:
        _press(press)
    _guess(people[GUEST], doors[0], address)
    return given


def _rules(doors: Iterable[Door], people: dict[str, User], address: str) -> None:
    officer, (front, garage, cellar) = people[OFFICER], doors
    family = groups.create("Family", [people[name] for name in FAMILY], by=officer, address=address)
    day = {"starts": time(7), "ends": time(21)}
    guest = {"person": people[GUEST], **day, "last_day": timezone.localdate() + timedelta(days=12)}
    for door, rule in (
        (front, {"group": family}),
        (front, guest),
        (garage, {"group": family}),
        (cellar, {"group": family, "weekdays": WORKDAYS, **day}),
    ):
        manage.add_rule(door, rule, by=officer, address=address)


def _pin() -> str:
    """One that the portal takes."""
    while True:
        pin = f"{secrets.randbelow(10**6):06d}"
        try:
            pins.refuse_easy(pin)
        except ValueError:
            continue
        return pin


def _press(press: Pressed) -> None:
    """As it stands in the history; nothing is sent."""
    request = CertificationRequest.objects.get(device=press.device)
    certificate = Certificate.objects.get(request_id=request.pk)
    then = timezone.now() - timedelta(hours=press.hours)
    received = press.outcome in (Outcome.RECEIVED, Outcome.OPENED, Outcome.DENIED)
    made = Press.objects.create(
        door=Door.objects.get(slug=press.door),
        user_id=certificate.owner,
        token=uuid4(),
        certificate=certificate.pk,
        device=certificate.subject,
        address="192.168.1.31",
        nonce=secrets.token_hex(16),
        outcome=press.outcome,
        received_at=then + timedelta(milliseconds=40) if received else None,
        finished_at=None if press.outcome is Outcome.RECEIVED else then + timedelta(seconds=1),
    )
    Press.objects.filter(pk=made.pk).update(at=then)


def _guess(somebody: User, door: Door, address: str) -> None:
    """So many wrong PINs that officers are told."""
    for _ in range(pins.A_DAY):
        try:
            pins.check(somebody, door, "000000", address=address)
        except pins.PinWrong:
            continue


def device(
    folder: Path, name: str, owner: str, key: pkcs12.PKCS12PrivateKeyTypes, leaf: x509.Certificate
) -> Device:
    """Write what `name`, which holds `key`, got: two files that only their owner can read."""
    file = folder / re.sub(r"[^a-z]+", "-", name.lower().replace("'", ""))
    chain = [x509.load_der_x509_certificate(der) for der in authorities.chain("clients")]
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    password = secrets.token_hex(8)
    made = Device(owner, file.with_suffix(".pem"), file.with_suffix(".p12"), password)
    private(made.pem, secret + b"".join(found.public_bytes(Encoding.PEM) for found in (leaf, chain[0])))
    # What every phone takes, old ones too: 3DES and SHA-1, as PKCS#12 was for thirty years.
    locked = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())  # noqa: S303 the only one that iOS 17 takes
        .build(password.encode())
    )
    private(made.p12, pkcs12.serialize_key_and_certificates(name.encode(), key, leaf, chain, locked))
    return made


def private(path: Path, data: bytes) -> None:
    """A new file that only its owner can read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
