"""Asking to get back in: without password or app, from the one browser that goes on afterwards.

The browser gets a token, in a cookie, and shows four words that are made of it. Whoever may reset the account
sees the same words and compares them with the person by telephone or face to face: a stranger who asks for
Anna's account has other words than Anna reads out. Once it is allowed the token opens what a reset link does.
Nobody who asks is told whether the name exists.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts import invitations, names, outbox, people, throttle
from accounts.addresses import network_of
from accounts.errors import Refused
from accounts.models import AskedBack, Invitation, User
from accounts.throttle import Limit
from audit import trail

GOOD_FOR = timedelta(days=1)
HOURS = 24  # that a browser has for a new password and app once it is allowed
AT_MOST = 1000  # askings that are kept for names that nobody has
_NETWORK, _NAME = Limit(free=5, cap=900), Limit(free=5, cap=300)
# SHA-256, hex -> four words. They are those of keys, named in the settings: this room does not know that one.
words_of: Callable[[str], tuple[str, ...]] = import_string(settings.FOUR_WORDS)


@dataclass(frozen=True)
class Standing:
    """How far an asking has come, for the browser that has its token."""

    words: tuple[str, ...]
    until: datetime
    allowed: bool


def ask(typed: str, *, address: str) -> tuple[str, int]:
    """The token of a new asking, and 0; or "" and the seconds to wait. The same for every name.

    One at a time for each account: an earlier one is nobody's from now on.
    """
    name = names.normalised(typed)
    wait = throttle.begin(_keys(name, address))
    if wait:
        return "", wait
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        account = User.objects.select_for_update().filter(username=name, is_active=True).first()
        _detach(AskedBack.objects.filter(account__username=name))
        made = AskedBack.objects.create(
            digest=invitations.digest(token),
            account=account,
            address=address,
            lapses_at=timezone.now() + GOOD_FOR,
        )
        detail = {"asking": str(made.pk)}
        trail.record("person.asked-back", address=address, target=names.printable(name), detail=detail)
    return token, 0


def standing(token: str) -> Standing | None:
    """None when nothing is known of it any more: it lapsed, or was used."""
    digest, now = invitations.digest(token), timezone.now()
    asked = AskedBack.objects.filter(digest=digest, lapses_at__gt=now).first()
    if asked is not None:
        return Standing(words_of(digest), asked.lapses_at, allowed=False)
    link = Invitation.objects.filter(digest=digest, used_at=None, lapses_at__gt=now).first()
    return Standing(words_of(digest), link.lapses_at, allowed=True) if link else None


def of(account: User) -> AskedBack | None:
    """What waits for this account."""
    return AskedBack.objects.filter(account=account, lapses_at__gt=timezone.now()).first()


def words(asked: AskedBack) -> tuple[str, ...]:
    return words_of(asked.digest)


def waiting(by: User) -> list[AskedBack]:
    """Those on which `by` may decide, the oldest first."""
    rows = _open().order_by("made_at", "pk")
    return [asked for asked in rows if asked.account and people.may_reset(by, asked.account)]


def allow(pk: UUID, *, by: User, address: str) -> User:
    """The words are the same: the browser that asked may set a new password and app. Raises Refused."""
    with transaction.atomic():
        asked, account = _locked(pk)
        digest, event = asked.digest, event_of(asked.pk)
        asked.delete()
        invitations.allow(by, account, digest=digest, hours=HOURS)
        outbox.withdraw(event, "It was decided meanwhile.")
        detail = {"words": " ".join(words_of(digest)), "hours": HOURS, "asking": str(pk)}
        trail.record(
            "person.let-back", actor=by.username, address=address, target=account.username, detail=detail
        )
    return account


def refuse(pk: UUID, *, by: User, address: str) -> User:
    """The words are others, or nobody asked. For the browser that asked nothing changes. Raises Refused."""
    with transaction.atomic():
        asked, account = _locked(pk)
        invitations.check(by, account.roles, account)
        _detach(AskedBack.objects.filter(pk=pk))
        outbox.withdraw(event_of(asked.pk), "It was decided meanwhile.")
        trail.record("person.back-refused", actor=by.username, address=address, target=account.username)
    return account


def event_of(pk: UUID | str) -> str:
    """Under which people are told of it (accounts/outbox.py)."""
    return f"back {pk}"


def sweep() -> int:
    """Forget what lapsed, and of what leads nowhere all but the newest; for housekeeping. How many."""
    old = AskedBack.objects.filter(lapses_at__lte=timezone.now())
    gone = old.delete()[0]
    nobodys = AskedBack.objects.filter(account=None).order_by("-made_at").values_list("pk", flat=True)
    return gone + AskedBack.objects.filter(pk__in=list(nobodys[AT_MOST:])).delete()[0]


def _locked(pk: UUID) -> tuple[AskedBack, User]:
    asked = _open().select_for_update(of=("self",)).filter(pk=pk).first()
    if asked is None or asked.account is None:
        raise Refused(
            _("This does not wait any more: it lapsed, was decided, or they asked anew."),
            _("Look at the person’s page again, and compare the words that stand there then."),
        )
    return asked, asked.account


def _open() -> QuerySet[AskedBack]:
    rows = AskedBack.objects.filter(lapses_at__gt=timezone.now(), account__is_active=True)
    return rows.select_related("account")


def _detach(rows: QuerySet[AskedBack]) -> None:
    """Nobody sees it any more but the browser that asked, to which it looks as it did before."""
    rows.update(account=None)


def _keys(name: str, address: str) -> throttle.Keys:
    short = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return {f"back {network_of(address)}"[:128]: _NETWORK, f"back name {short}": _NAME}
