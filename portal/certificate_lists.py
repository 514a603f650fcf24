"""Certificates in a list: with their people and devices, and as CSV or JSON."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import cells
from accounts.models import Role, User
from door.policy import moment, zone
from enrollment import states
from enrollment.models import CertificationRequest
from enrollment.states import State
from pki import catalogue
from pki.catalogue import EXPORTED, Entry
from pki.profiles import EVERY, PROFILES
from pki.revocation import HOLD
from pki.text import printable

SEES_ALL = frozenset({Role.OFFICER.value, Role.AUDITOR.value})
FIRST, LAST = date(2, 1, 1), date(9998, 12, 31)  # days that begin within the calendar in every zone
AUTHORITIES = {
    "clients": _("phones and browsers"),
    "servers": _("web servers"),
    "devices": _("MQTT devices"),
}
OWN = _("Latchkey itself")  # whose the certificates of our own services are
PEOPLE = 20  # whose certificates a name can stand for
COLUMNS = (
    *("name", "names", "owner", "device", "purpose", "state", "not_before", "not_after", "issued_at"),
    *("revoked_at", "reason", "authority", "serial", "fingerprint", "key_sha256"),
)


@dataclass(frozen=True)
class Row:
    """One certificate for people."""

    entry: Entry
    state: State
    who: str
    device: str
    purpose: str
    may_revoke: bool


def sees_all(user: User) -> bool:
    return bool(user.roles & SEES_ALL)


def people_called(text: str) -> tuple[str, ...]:
    """Accounts with `text` in a name."""
    text = text.replace("\0", "").strip()
    found = User.objects.filter(Q(username__icontains=text) | Q(full_name__icontains=text))
    return tuple(str(pk) for pk in found.values_list("pk", flat=True)[:PEOPLE]) if text else ()


def rows(entries: list[Entry], user: User) -> list[Row]:
    """With three queries, however many there are. `user` is who looks."""
    asked = CertificationRequest.objects.filter(certificate__in=[entry.id for entry in entries])
    devices = dict(asked.values_list("certificate_id", "device"))
    people = User.objects.in_bulk([key for entry in entries if (key := account_of(entry.owner))])
    return [
        Row(
            entry=entry,
            state=states.of_certificate(entry),
            who=_who(people.get(account_of(entry.owner))),
            device=devices.get(entry.id, ""),
            purpose=purpose_of(entry.profile),
            may_revoke=may_revoke(user, entry.owner, entry.revoked_at, entry.reason),
        )
        for entry in entries
    ]


def purpose_of(name: str) -> str:
    """A profile in words, which tell it from those with the same title by their authority."""
    profile = EVERY.get(name)
    if profile is None:
        return name
    several = len(catalogue.alike(name)) > 1
    title = gettext(profile.title)
    if not several:
        return title
    return gettext("%(what)s for %(whom)s") % {"what": title, "whom": AUTHORITIES[profile.authority]}


def purposes(user: User) -> list[tuple[str, str]]:
    """What the list of `user` can be filtered by: a profile's name and its title, each title once."""
    offered = EVERY if sees_all(user) else PROFILES  # our own services' are nobody's
    return [(name, p.title) for name, p in offered.items() if catalogue.alike(name)[0] == name]


def may_revoke(user: User, owner: str, revoked_at: datetime | None, reason: str) -> bool:
    """Whether there is something to revoke, and `user` may: one's own, officers everybody's but ours."""
    theirs = owner == str(user.pk) or (user.is_officer and account_of(owner) is not None)
    return theirs and (revoked_at is None or reason == HOLD)


def account_of(owner: str) -> UUID | None:
    """The account's key; None for a service of our own."""
    try:
        return UUID(owner)
    except ValueError:
        return None


def _who(person: User | None) -> str:
    return person.both_names if person else str(OWN)


def midnight(day: date | None, later: int = 0) -> datetime | None:
    """When `day`, or the one `later` days after it, begins in the household's zone."""
    if day is None:
        return None
    return moment(min(max(day, FIRST), LAST) + timedelta(days=later), time.min, zone())


def as_csv(found: Iterator[Entry], user: User) -> Iterator[str]:
    """RFC 4180 lines with a heading. No cell can run as a formula or hide a character. Times in UTC."""
    yield cells.line(COLUMNS)
    for row in _in_turn(found, user):
        yield cells.line(cells.harmless(printable(text)) for text in _line(row).values())


def as_json(found: Iterator[Entry], user: User) -> Iterator[str]:
    """One array, a line of text for each certificate."""
    return cells.array(json.dumps(_line(row)) for row in _in_turn(found, user))


def _in_turn(found: Iterator[Entry], user: User) -> Iterator[Row]:
    while some := list(islice(found, EXPORTED)):
        yield from rows(some, user)


def _line(row: Row) -> dict[str, str]:
    entry = row.entry
    moments = (entry.not_before, entry.not_after, entry.issued_at, entry.revoked_at)
    words = (entry.subject, " ".join(entry.sans), row.who, row.device, row.purpose, row.state.word)
    more = (entry.reason, entry.authority, entry.serial, entry.fingerprint, entry.key_sha256)
    return dict(zip(COLUMNS, (*words, *map(_utc, moments), *more), strict=True))


def _utc(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else ""


def chosen(texts: Iterable[str], most: int) -> list[UUID]:
    """The ids that were ticked; what is none is passed over."""
    found = []
    for text in islice(texts, most):
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return list(dict.fromkeys(found))
