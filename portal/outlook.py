"""What the status page says of clock, backups, addresses in certificates, and strange certificates."""

import ctypes
from datetime import UTC, datetime, timedelta

from cryptography import x509
from django.conf import settings

from audit.models import AuditEvent
from door.gate import ORPHAN
from pki import addresses, authorities
from pki.signer.protocol import AUTHORITIES
from portal.fact import Fact, dated
from portal.keeping import notes

TIME_ERROR = 5  # adjtimex(2): nobody has set this clock lately
AHEAD = timedelta(minutes=1)  # by which the last entry may be later than now
SHOWN_FOR = timedelta(days=30)
NAMED = 3  # certificates in a sentence


def clock() -> list[Fact]:
    """Clock."""
    latest = AuditEvent.objects.values_list("at", flat=True).first()
    if latest and latest > datetime.now(UTC) + AHEAD:
        return [
            Fact(
                "Clock",
                False,
                "Put back",
                "Something was noted at a time that is still to come. Set this machine's clock: codes from "
                "the app, the doors' hours and revocation lists rely on it.",
                "Last entry",
                latest,
            )
        ]
    word, sentence = _KEPT[synchronised()]
    return [Fact("Clock", True, word, sentence)]


_KEPT: dict[bool | None, tuple[str, str]] = {
    True: ("Set by the network", ""),
    False: ("On its own", "Nothing sets it over the network. To change that: timedatectl set-ntp true"),
    None: ("Runs", ""),
}


def synchronised() -> bool | None:
    """Whether somebody (NTP) keeps this machine's clock right; None when the kernel does not say."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(
        ctypes.create_string_buffer(512)
    )  # all zeros: only read
    return None if state < 0 else state != TIME_ERROR


def backups() -> list[Fact]:
    """Backups."""
    overdue = {found.what: found for found in notes.overdue()}
    found = []
    for what, title, action in (("backup", "Backup", notes.MADE), ("drill", "Drill", notes.DRILLED)):
        at = notes.last(action)
        if what in overdue:
            word = "Too long ago" if at else "None yet"
            found.append(Fact(title, False, word, overdue[what].sentence, "Last" if at else "", at))
        elif at:
            found.append(Fact(title, True, "Made" if what == "backup" else "Went well", "", "Last", at))
        else:
            found.append(Fact(title, True, "Not due yet", ""))
    return found


def put_back() -> list[Fact]:
    """A restored household."""
    found = notes.put_back()
    if found is None:
        return []
    made_at, at = found
    sentence = (
        f"Everything is as it was on {dated(datetime.fromisoformat(made_at))}. What was revoked since is "
        "live again: revoke it now. Then make a new backup: manage.py backup"
    )
    return [Fact("Restored from a backup", False, "Look through it", sentence, "Restored", at)]


def published_elsewhere() -> list[Fact]:
    """Addresses in certificates."""
    now = datetime.now(UTC)
    found = addresses.elsewhere(settings.STATUS_URL, now)
    if found:
        return [_elsewhere(url, count, now) for url, count in found.items()]
    old = _of_authorities() - {settings.STATUS_URL, addresses.NONE}
    if old:
        sentence = (
            f"The authorities themselves still name {', '.join(sorted(old))}: let it answer, if you can."
        )
        return [Fact("Addresses in certificates", True, "Mostly current", sentence)]
    return []


def _elsewhere(url: str, count: int, now: datetime) -> Fact:
    named = ", ".join(addresses.subjects(url, now, NAMED)) + (" …" if count > NAMED else "")
    return Fact(
        "Addresses in certificates", False, "Old address", f"{old_address(url, count)} Concerned: {named}."
    )


def old_address(url: str, count: int) -> str:
    """A sentence with the way out."""
    says = "1 live certificate says that its" if count == 1 else f"{count} live certificates say that their"
    return (
        f"{says} revocation list is at {url}, and it is at {settings.STATUS_URL} now. Let the old address "
        "answer too, set LATCHKEY_STATUS_URL back, or renew them."
    )


def _of_authorities() -> set[str]:
    """What the issuing CAs' certificates say about their roots' lists."""
    files = [authorities.path(name) for name in AUTHORITIES]
    return {
        addresses.of(x509.load_der_x509_certificate(file.read_bytes())) for file in files if file.exists()
    }


def orphans() -> list[Fact]:
    """Strange certificates."""
    since = datetime.now(UTC) - SHOWN_FOR
    shown = AuditEvent.objects.filter(action=ORPHAN, at__gt=since).first()
    if shown is None:
        return []
    why = str(shown.detail.get("why", ""))
    restored = notes.last(notes.RESTORED)
    advice = (
        "A backup was put back, and it was issued after that was made: have its owner ask for a new one."
        if restored
        else "No backup was put back here, so somebody may have the CA's key: read docs/signer.md."
    )
    return [Fact("Strange certificate", False, "Was refused", f"{why} {advice}", "Last", shown.at)]
