"""Where somebody is signed in: what is shown of each session, and how it is ended from elsewhere.

A session holds the name of its row, and no row a session's key: who can read the table can take over nothing.
A row that is marked as ended ends its session with the next request (accounts/middleware.py).
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import household, unusual, useragent
from accounts.addresses import address_of
from accounts.models import SignIn, User
from audit import trail

KEY = "signin"  # in the session: the row's primary key


def began(request: HttpRequest, user: User, factor: str) -> SignIn:
    """Note that this session is `user`'s, by the factor "app", "passkey" or "recovery".

    Somebody who signs in from where they never did is told (accounts/unusual.py).
    """
    agent = useragent.read(request.META.get("HTTP_USER_AGENT", ""))
    with transaction.atomic():
        row = SignIn.objects.create(
            user=user,
            address=address_of(request),
            factor=factor,
            browser=agent.browser,
            system=agent.system,
        )
        request.session[KEY] = str(row.pk)
        unusual.look(request, row)
    return row


def is_open(request: HttpRequest) -> bool:
    """Whether nobody ended this session from elsewhere."""
    return SignIn.objects.filter(pk=this(request), user=request.user.pk, ended_at=None).exists()


def touch(request: HttpRequest, now: datetime) -> None:
    SignIn.objects.filter(pk=this(request)).update(seen_at=now)


def of(user: User) -> QuerySet[SignIn]:
    """The sessions that are open now, the latest used first."""
    house, now = household.current(), timezone.now()
    return SignIn.objects.filter(
        user=user,
        ended_at=None,
        began_at__gt=now - timedelta(hours=house.session_hours),
        seen_at__gt=now - timedelta(minutes=house.idle_minutes),
    ).order_by("-seen_at")


def end(user: User, pk: UUID, *, by: User, address: str) -> int:
    """End one session of `user`; how many that were: none, or one."""
    return _noted(_ended(user, Q(pk=pk)), user, by, address)


def end_all(user: User, *, by: User, address: str) -> int:
    """End every session of `user`; how many there were."""
    return _noted(_ended(user, Q()), user, by, address)


def end_others(request: HttpRequest, user: User) -> int:
    """End every session of `user` but this one; how many there were. Who calls notes why in the audit."""
    return _ended(user, ~Q(pk=this(request)))


def void(user: User) -> int:
    """As `end_all`, as part of something that the audit notes itself."""
    return _ended(user, Q())


def left(request: HttpRequest) -> None:
    """Somebody signs out here."""
    SignIn.objects.filter(pk=this(request), ended_at=None).update(ended_at=timezone.now())


def factor_words(name: str) -> str:
    """What somebody signed in with."""
    words = {
        "app": _("password and app"),
        "passkey": _("passkey"),
        "recovery": _("password and recovery code"),
    }
    return words.get(name, name)


def forget(before: datetime) -> int:
    """What was over by then is forgotten; how many."""
    return SignIn.objects.filter(seen_at__lt=before).delete()[0]


def _ended(user: User, which: Q) -> int:
    """How many were open. Those that were over by themselves are marked too: a longer limit revives none."""
    count = of(user).filter(which).count()
    SignIn.objects.filter(which, user=user, ended_at=None).update(ended_at=timezone.now())
    return count


def _noted(count: int, user: User, by: User, address: str) -> int:
    if count:
        detail = {"sessions": count}
        trail.record("session.ended", actor=by.username, address=address, target=user.username, detail=detail)
    return count


def this(request: HttpRequest) -> UUID:
    """The row of this session; nobody's where it has none."""
    try:
        return UUID(str(request.session.get(KEY, "")))
    except ValueError:
        return UUID(int=0)
