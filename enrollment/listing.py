"""Lists that are as fast at any depth: keyset pages over an index, no OFFSET, no COUNT over everything."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from enrollment import states
from enrollment.models import CertificationRequest, Message, Status
from pki import searching
from pki.profiles import PROFILES

PAGE = 50  # rows
COUNTED = 1000  # above that a number helps nobody
WAITS = {
    "1": _("Over a day ago"),
    "3": _("Over three days ago"),
    "7": _("Over a week ago"),
    "14": _("Over two weeks ago"),
}


@dataclass(frozen=True)
class Page:
    """Rows of one page; `further` and `first` are query strings, "" where there is nothing."""

    rows: list[CertificationRequest]
    further: str
    first: str


def waiting_count() -> str:
    """How many requests wait: "0" to "1000", then "1000+". Reads at most 1001 entries of an index."""
    pending = CertificationRequest.objects.filter(status=Status.PENDING)
    found = pending.order_by().values("pk")[: COUNTED + 1].count()
    return f"{COUNTED}+" if found > COUNTED else str(found)


def own(user: User, query: QueryDict) -> Page:
    """A person's own requests, newest first."""
    return page(CertificationRequest.objects.filter(owner=user), query, newest_first=True)


def queue(query: QueryDict) -> Page:
    """What the filters in the address ask for: what waits, oldest first; what is decided, newest first."""
    status = query.get("status", "") or Status.PENDING
    found = CertificationRequest.objects.all()
    if status in Status.values:
        found = found.filter(status=status)
    if query.get("purpose") in PROFILES:
        found = found.filter(profile=query["purpose"])
    waits = query.get("waits", "")
    if waits in WAITS:
        found = found.filter(created_at__lt=timezone.now() - timedelta(days=int(waits)))
    if query.get("question"):
        found = found.filter(pk__in=_with_open_question())
    if query.get("renewals"):
        found = found.filter(predecessor__isnull=False)
    found = _search(found, query.get("q", "").replace("\0", "").strip()[:100])
    return page(found, query, newest_first=status not in (Status.PENDING, Status.APPROVED))


def page(found: QuerySet[CertificationRequest], query: QueryDict, *, newest_first: bool) -> Page:
    """One page of `found`, from where `after` says; an `after` that we did not make is the first page."""
    sign, beyond = ("-", "lt") if newest_first else ("", "gt")
    after = _place(query.get("after", ""))
    if after is not None:
        at, pk = after
        # The first condition is what the index seeks by; the second decides among equal times.
        found = found.filter(**{f"created_at__{beyond}e": at})
        found = found.filter(Q(**{f"created_at__{beyond}": at}) | Q(**{f"id__{beyond}": pk}))
    found = found.select_related("owner", "certificate", "predecessor")
    found = found.defer("csr", "note", "reason", "certificate__der", "predecessor__der")
    rows = list(states.with_question(found).order_by(f"{sign}created_at", f"{sign}id")[: PAGE + 1])
    rest = {key: query[key] for key in query if key not in ("after", "tick")}
    more = rows[PAGE - 1] if len(rows) > PAGE else None
    further = "?" + urlencode({**rest, "after": f"{more.created_at.isoformat()}_{more.pk}"}) if more else ""
    return Page(rows[:PAGE], further, ("?" + urlencode(rest)) if after else "")


def _place(text: str) -> tuple[datetime, UUID] | None:
    moment, _, pk = text.partition("_")
    try:
        at = datetime.fromisoformat(moment)
        return (at.astimezone(UTC), UUID(pk)) if at.tzinfo else None
    except (ValueError, OverflowError):  # the year 1 or 9999, in a zone that puts it beyond
        return None


def _with_open_question() -> QuerySet[Message, Any]:
    """Ids of requests whose last message is an officer's. Begins at the messages, of which there are few."""
    later = Message.objects.filter(request=OuterRef("request"), id__gt=OuterRef("id"))
    return Message.objects.filter(~Exists(later), from_officer=True).values("request")


def _search(found: QuerySet[CertificationRequest], text: str) -> QuerySet[CertificationRequest]:
    """By the four words or the key's fingerprint (exact, by index), else by person, device or common name."""
    if not text:
        return found
    prefix = searching.key_prefix(text)
    if prefix:
        # A range and not startswith, which SQLite writes as LIKE and answers without the index. The few ids
        # first: planners would rather walk through the list in its order.
        same_key = CertificationRequest.objects.filter(key_sha256__gte=prefix, key_sha256__lt=f"{prefix}g")
        return found.filter(pk__in=list(same_key.values_list("pk", flat=True)[:100]))
    people = User.objects.filter(Q(username__icontains=text) | Q(full_name__icontains=text))
    owners = list(people.values_list("pk", flat=True)[:100])
    named = Q(device__icontains=text) | Q(common_name__icontains=text)
    return found.filter(named | Q(owner__in=owners))
