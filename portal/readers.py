"""Who has read which revocation list: brokers and web sites that rely on it, noted where they fetch it."""

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.db import DatabaseError
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts.addresses import address_of
from accounts.models import User
from audit import trail
from audit.models import AuditEvent
from pki import crl, crlfile
from pki.models import Certificate, ListFetch
from pki.text import printable

log = logging.getLogger(__name__)

LASTS = timedelta(days=7)  # a list, from one nextUpdate to the next (pki/signer/crls.py)
ANEW = timedelta(minutes=1)  # a row is not worth a transaction for each look at the list
MOST = 200  # readers: strangers, who can call themselves anything, push out the unnamed of long ago
EACH = 8  # of one address
NEW = 20  # in a minute: many addresses push out nobody who asks every few minutes, nor keep the database busy
NAME = 64  # characters


@dataclass(frozen=True)
class Reader:
    """One party, and whether the list it has names what was asked about."""

    fetch: ListFetch
    has_it: bool


def note(request: HttpRequest, authority: str, answer: HttpResponseBase) -> None:
    """A list was sent, or is the one they have (304): write down who has which number now.

    Once per reader and number, then once in a minute. That it cannot be written keeps nobody from the list.
    """
    if answer.status_code not in (200, 304) or request.method != "GET":
        return
    try:
        number = _number(authority, answer.headers.get("ETag", ""))
        if number:
            _write(authority, address_of(request), _program(request), str(number))
    except (DatabaseError, OSError, ValueError):
        log.warning("crl=%s reader not noted", authority, exc_info=True)


def _write(authority: str, address: str, program: str, number: str) -> None:
    now = timezone.now()
    known = ListFetch.objects.filter(authority=authority, address=address, program=program)
    found = known.first()
    if found is None:
        # Who calls itself something else each time makes nobody wait for the database.
        lately = ListFetch.objects.filter(since__gt=now - ANEW)
        if lately.filter(address=address).count() >= EACH or lately.count() >= NEW:
            return
        _make_room(address)
        fields = {"number": number, "since": now, "last_at": now}
        ListFetch.objects.get_or_create(
            authority=authority, address=address, program=program, defaults=fields
        )
    elif found.number != number:
        known.update(number=number, since=now, last_at=now)
    elif now - found.last_at >= ANEW:
        known.update(last_at=now)


def _make_room(address: str) -> None:
    """Those without a name go first, the longest silent before others."""
    unnamed = ListFetch.objects.filter(name="").order_by("-last_at")
    for found, most in ((unnamed.filter(address=address), EACH), (unnamed, MOST)):
        surplus = list(found.values_list("pk", flat=True)[most - 1 : most + EACH])
        ListFetch.objects.filter(pk__in=surplus).delete()


def _program(request: HttpRequest) -> str:
    """The beginning of what it calls itself: "curl/7.88.1"."""
    return printable(re.split(r"[\s(]", request.headers.get("User-Agent", "").strip())[0][:200])[:64]


def _number(authority: str, etag: str) -> int | None:
    """The number of the list with this entity tag (pki/views.py); None when it was replaced meanwhile."""
    path = crl.path(authority)
    found = path.stat()
    if etag.removeprefix("W/") != f'"{found.st_mtime_ns:x}-{found.st_size:x}"':
        return None
    return _read(path, etag)


@lru_cache(maxsize=16)
def _read(path: Path, etag: str) -> int:
    del etag  # a new list is read anew
    return crlfile.read(path).number


def number_with(certificate: Certificate) -> int | None:
    """The number of the first list that names it as it is now; None before there is one."""
    noted = AuditEvent.objects.filter(target=str(certificate.pk), action="certificate.revoked")
    last = noted.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    lists = AuditEvent.objects.filter(target=certificate.authority, sequence__gt=last)
    made = lists.filter(action="crl.published").order_by("sequence").values_list("detail", flat=True).first()
    return int(made["number"]) if made else None


def of(authority: str, number: int | None) -> list[Reader]:
    """Everybody who reads this list: the named first, and whether theirs is `number` or newer.

    Who has no name and did not ask for as long as a list lasts does not rely on it.
    """
    found = ListFetch.objects.filter(authority=authority)
    found = found.filter(~Q(name="") | Q(last_at__gt=timezone.now() - LASTS)).order_by("-last_at")
    readers = [Reader(fetch, number is not None and int(fetch.number) >= number) for fetch in found]
    return sorted(readers, key=lambda reader: not reader.fetch.name)


def everybody() -> list[ListFetch]:
    """All readers of all lists, the named first, then who asked last."""
    found = ListFetch.objects.order_by("-last_at")
    return sorted(found, key=lambda fetch: (not fetch.name, fetch.name.casefold()))


def call(fetch: ListFetch, name: str, *, by: User, address: str) -> None:
    """Give a reader a name, on all lists that it reads; "" takes it back."""
    same = ListFetch.objects.filter(address=fetch.address, program=fetch.program)
    same.update(name=name)
    detail = {"name": name, "address": fetch.address, "program": fetch.program}
    trail.record("reader.named", actor=by.username, address=address, target=str(fetch.pk), detail=detail)
