"""A throw-away household to look at: people, and requests in every state, made through the real verbs."""

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.utils import timezone

from accounts import household, together, totp
from accounts.models import Role, User
from accounts.roster import Entry
from enrollment import ra
from enrollment.models import CertificationRequest
from pki import authorities, csr
from pki.models import Certificate
from portal import demo_doors
from portal.checks import Obstacle
from portal.demo_doors import Device, private

MARK = "DEMO"  # the file that says: this folder may be wiped
KEPT = ("secret-key", "sealing-key", "metrics-token")  # read already when the wiping begins
ADDRESS = "192.168.1.20"
REQUESTER, OFFICER, AUDITOR, ADMINISTRATOR = (role.value for role in Role)

PLAYED = ("Alice's phone", "Charlie's tablet")  # whose keys are kept in files, to open the doors with

Verb = Callable[[CertificationRequest, dict[str, User]], object]
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Person:
    username: str
    full_name: str
    roles: tuple[str, ...]
    invited_by: str = ""


PEOPLE = (
    Person("dora", "Dora Winter", (ADMINISTRATOR, OFFICER)),
    Person("bob", "Bob Berger", (OFFICER, REQUESTER)),
    Person("alice", "Alice Amsel", (REQUESTER,), "bob"),
    Person("charlie", "Charlie Kern", (REQUESTER,), "dora"),
    Person("erin", "Erin Roth", (AUDITOR,), "dora"),
    Person("frida", "Frida Gast", (REQUESTER,), "bob"),
)
TOGETHER = ("Gerda Gruber", "Hugo Hahn", "Ida Igel")  # invited as a group


@dataclass(frozen=True)
class Wish:
    """One request and what became of it; `hours` ago it was submitted."""

    owner: str
    device: str
    profile: str
    hours: int
    verbs: tuple[Verb, ...] = ()
    note: str = ""
    sans: tuple[str, ...] = ()
    big_key: bool = False  # RSA instead of P-256


def approved(by: str, days: int | None = None) -> Verb:
    return lambda request, people: ra.approve(request=request, by=people[by], address=ADDRESS, days=days)


def refused(by: str, reason: str) -> Verb:
    return lambda request, people: ra.reject(request=request, by=people[by], address=ADDRESS, reason=reason)


def asked(by: str, text: str) -> Verb:
    return lambda request, people: ra.ask(request=request, by=people[by], address=ADDRESS, text=text)


def answered(text: str) -> Verb:
    return lambda request, _: ra.answer(request=request, by=request.owner, address=ADDRESS, text=text)


def withdrawn(request: CertificationRequest, _: dict[str, User]) -> object:
    return ra.withdraw(request=request, by=request.owner, address=ADDRESS)


def revoked(reason: str) -> Verb:
    return lambda request, _: ra.revoke(request=request, by=request.owner, address=ADDRESS, reason=reason)


WISHES = (
    Wish("alice", "Alice's phone", "tls-client", 700, (approved("dora"),)),
    Wish("alice", "Alice's old phone", "tls-client", 720, (approved("dora"), revoked("superseded"))),
    Wish("charlie", "Charlie's tablet", "tls-client", 650, (approved("bob", days=12),), "For the summer"),
    Wish("frida", "Frida's phone", "tls-client", 60, (approved("dora", days=14),), "I water the flowers"),
    Wish("bob", "NAS, attic", "tls-server", 400, (approved("dora"),), sans=("nas.home.arpa",), big_key=True),
    Wish("charlie", "lamp-kitchen", "mqtt-client", 300, (approved("bob"),)),
    Wish("bob", "broker", "mqtt-broker", 290, (approved("dora"),), sans=("mqtt.home.arpa", "192.168.1.5")),
    Wish("charlie", "Work laptop", "tls-client", 200, (refused("bob", "No work devices at our door."),)),
    Wish("alice", "Alice's watch", "tls-client", 190, (withdrawn,), "It cannot hold a certificate after all"),
    Wish("charlie", "Charlie's first try", "tls-client", 24 * 31),
    Wish("alice", "Alice's tablet", "tls-client", 50, (asked("dora", "Is this the one with the crack?"),)),
    Wish(
        "charlie",
        "Charlie's phone",
        "tls-client",
        30,
        (asked("bob", "Which four words do you see?"), answered("The first is on the note at your desk.")),
    ),
    Wish("bob", "Bob's browser", "tls-client", 20, note="Firefox on the desk in the study"),
    Wish("alice", "photos", "tls-server", 6, sans=("photos.home.arpa", "192.168.1.9")),
    Wish("charlie", "lamp-hall", "mqtt-client", 2, big_key=True),
    Wish("alice", "Alice's new phone", "tls-client", 1, note="The old one will go to the drawer"),
)  # fmt: skip


def wipe() -> None:
    """Empty the data folder, if it is a demo's. Raises Obstacle for any other folder with something in it."""
    data: Path = settings.DATA
    if "LATCHKEY_DATA" not in settings.ENV or "DATABASE_URL" in settings.ENV:
        raise Obstacle("The demo wants a folder of its own, and no DATABASE_URL. Start it with: make demo")
    used = any((data / name).exists() for name in ("VERSION", "signer", "web/latchkey.sqlite3"))
    if used and not (data / MARK).exists():
        raise Obstacle(
            f"{data} is no demo folder, so it is not wiped. Choose an empty one with LATCHKEY_DATA."
        )
    for name in ("signer", "public", "backups", "web/tls", "web/tmp", "devices"):
        shutil.rmtree(data / name, ignore_errors=True)
    for file in [*(data / "web").iterdir(), data / "VERSION"]:
        if file.is_file() and file.name not in KEPT:
            file.unlink()
    (data / MARK).write_text("This folder is wiped whenever `make demo` starts.\n")


def fill() -> list[tuple[str, str]]:
    """People, requests, credentials.json; gives the banner's line about them."""
    house = household.current()
    house.name, house.time_zone = "Amsel & Berger", "Europe/Vienna"
    house.save()
    passwords = {person.username: secrets.token_urlsafe(12) for person in PEOPLE}
    people: dict[str, User] = {}
    for person in PEOPLE:
        people[person.username] = _account(person, passwords[person.username], people)
    devices = [device for wish in WISHES if (device := _request(wish, people))]
    ra.lapse_overdue()
    _invite_together(people["dora"])
    pins = demo_doors.fill(people, ADDRESS)
    path = settings.DATA / "credentials.json"
    private(path, json.dumps(credentials(people, passwords, pins, devices), indent=2).encode())
    return [
        ("Accounts", f"{path} (passwords, PINs, and the keys for a TOTP app)"),
        ("Devices", f"{devices[0].pem.parent} (curl --cert …, or a browser with the .p12, opens the door)"),
    ]


def _account(person: Person, password: str, people: dict[str, User]) -> User:
    roles = {f"is_{role}": True for role in person.roles}
    inviter = people.get(person.invited_by)
    user = User.objects.create_user(
        person.username, password, full_name=person.full_name, invited_by=inviter, **roles
    )
    totp.enrol(user)
    return user


def _invite_together(by: User) -> None:
    """A few whose links nobody has used yet."""
    entries = [
        Entry(line, name, device="phone", roles=frozenset({REQUESTER}))
        for line, name in enumerate(TOGETHER, 1)
    ]
    together.invite(by, name="Spring", entries=entries, hours=together.HOURS, once=uuid4(), address=ADDRESS)


def _request(wish: Wish, people: dict[str, User]) -> Device | None:
    """Asked for and decided; gives the device if it is one whose key is kept."""
    key = rsa.generate_private_key(65537, 2048) if wish.big_key else ec.generate_private_key(ec.SECP256R1())
    request = ra.submit(
        by=people[wish.owner],
        address=ADDRESS,
        csr=csr.parse(_csr(wish, key)),
        profile=wish.profile,
        device=wish.device,
        note=wish.note,
        sans=list(wish.sans),
    )
    for verb in wish.verbs:
        verb(request, people)
        request.refresh_from_db()
    then = timezone.now() - timedelta(hours=wish.hours)
    CertificationRequest.objects.filter(pk=request.pk).update(created_at=then)
    if wish.device not in PLAYED:
        return None
    leaf = x509.load_der_x509_certificate(bytes(Certificate.objects.get(request_id=request.pk).der))
    return demo_doors.device(settings.DATA / "devices", wish.device, wish.owner, key, leaf)


def _csr(wish: Wish, key: Key) -> bytes:
    """As a device would send it: with a name and an extension that will not be issued."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, wish.device.replace("'", ""))])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if wish.sans:
        names = x509.SubjectAlternativeName([x509.DNSName(wish.sans[0])])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def credentials(
    people: dict[str, User], passwords: dict[str, str], pins: dict[str, str], devices: list[Device]
) -> dict[str, object]:
    """What a person or a test needs to sign in and to open a door; the format is kept stable."""
    return {
        "portal": settings.PORTAL_URL,
        "door": settings.DOOR_URL,
        "status": settings.STATUS_URL,
        "root": str(authorities.path("servers-root").with_suffix(".pem")),
        "accounts": [
            {
                "username": user.username,
                "roles": sorted(user.roles),
                "password": passwords[user.username],
                "totp_uri": totp.uri(user.totpdevice_set.get()),
                "pin": pins[user.username],
                **next((_device(device) for device in devices if device.owner == user.username), {}),
            }
            for user in people.values()
        ],
    }


def _device(device: Device) -> dict[str, str]:
    return {"device": str(device.pem), "p12": str(device.p12), "p12_password": device.password}
