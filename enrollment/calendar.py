"""When certificates end, as a calendar that programs read (RFC 5545), under a secret address."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import household, languages
from accounts.models import CalendarLink, User
from audit import trail
from enrollment import replaced
from pki.models import Certificate

AT_MOST = 2000  # entries
READ_ANEW = timedelta(hours=1)  # a row is not worth a transaction for each reading


def make(user: User, *, everybody: bool, address: str) -> str:
    """The token of a new link, in the place of the one before; only its digest is kept."""
    token = secrets.token_urlsafe(24)
    fresh = {"digest": _digest(token), "everybody": everybody, "made_at": timezone.now(), "read_at": None}
    with transaction.atomic():
        CalendarLink.objects.update_or_create(user=user, defaults=fresh)
        _record("calendar.made", user, address)
    return token


def withdraw(user: User, *, address: str) -> bool:
    """Whether there was a link; it shows nothing any more."""
    with transaction.atomic():
        gone = CalendarLink.objects.filter(user=user).delete()[0] > 0
        if gone:
            _record("calendar.withdrawn", user, address)
    return gone


def find(token: str) -> CalendarLink | None:
    """The link of this token, noting that it was read; None where there is none, or its account is closed."""
    links = CalendarLink.objects.select_related("user")
    found = links.filter(digest=_digest(token), user__is_active=True).first()
    now = timezone.now()
    if found and (found.read_at is None or now - found.read_at > READ_ANEW):
        CalendarLink.objects.filter(pk=found.pk).update(read_at=now)
    return found


def text(link: CalendarLink) -> str:
    """The calendar in its owner's language, in UTF-8, lines ended and folded as RFC 5545 3.1 has it."""
    with translation.override(languages.of(link.user)):
        lines = _lines(link)
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _lines(link: CalendarLink) -> list[str]:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Latchkey//Certificates//EN", "METHOD:PUBLISH"]
    name = _escaped(_("Certificates of %(household)s") % {"household": household.current().name})
    lines += [f"NAME:{name}", f"X-WR-CALNAME:{name}", "REFRESH-INTERVAL;VALUE=DURATION:PT12H"]  # RFC 7986 5
    # Somebody who is no officer any more sees their own only.
    everybody = link.everybody and link.user.is_officer
    for certificate in _ending(None if everybody else link.user)[:AT_MOST]:
        lines += _event(certificate)
    return [*lines, "END:VCALENDAR"]


def _ending(owner: User | None) -> QuerySet[Certificate]:
    """Live ones without a successor, those of our own services left out, the next to end first."""
    live = Certificate.objects.filter(revoked_at=None, not_after__gt=timezone.now())
    live = live.filter(~replaced.has_successor())
    live = live.exclude(owner__startswith="service:") if owner is None else live.filter(owner=str(owner.pk))
    return live.defer("der").order_by("not_after", "pk")


def _event(certificate: Certificate) -> Iterable[str]:
    """A moment that takes no time (RFC 5545 3.6.1): DTSTART without an end."""
    host = settings.HOSTS[0]
    ends = _("Certificate ends: %(name)s") % {"name": certificate.subject}
    what = _("After that nothing opens for it. Get a new one in time on its page.")
    return (
        "BEGIN:VEVENT",
        f"UID:{certificate.pk}@{host}",
        f"DTSTAMP:{_moment(certificate.issued_at)}",
        f"DTSTART:{_moment(certificate.not_after)}",
        f"SUMMARY:{_escaped(ends)}",
        f"DESCRIPTION:{_escaped(what)}",
        f"URL:{settings.PORTAL_URL}/requests/{certificate.request_id}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"  # 3.3.5, form 2


def _escaped(text: str) -> str:
    """TEXT (3.3.11), without characters that it cannot hold."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """At most 75 octets a line, never within a character."""
    piece, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > 75:
            yield piece
            piece, size = " ", 1
        piece, size = piece + char, size + width
    yield piece


def _record(action: str, user: User, address: str) -> None:
    trail.record(action, actor=user.username, address=address, target=user.username)


def _digest(token: str) -> str:
    """SHA-256, hex; the token holds 192 random bits, so a plain hash will do."""
    return hashlib.sha256(token.encode()).hexdigest()
