"""Sign-ins that their owner should hear of: a new browser, many wrong attempts before it, a strange network.

A browser is known by a cookie of its own for each person. What a browser brings that is not known is never
taken over, so that nobody can make theirs known by planting it.
"""

import ipaddress
import secrets
from datetime import timedelta
from itertools import takewhile

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts import household, networks
from accounts.models import Familiar, Role, SignIn, User
from accounts.sealing import keyed_digest
from audit import trail
from audit.models import AuditEvent

ACTION = "login.unusual"
BROWSER, ATTEMPTS, NETWORK = "browser", "attempts", "network"
COOKIE_AGE = 400 * 86400  # seconds; browsers keep none for longer
MANY = 10  # wrong attempts before a sign-in
FIRST_DAY = timedelta(hours=12)  # of an account: its owner sets up what they have, and is not told of each
# Who keeps no cookies is told of the same browser at the same address once in a while, not each time.
AGAIN_AFTER = timedelta(days=30)
_FORGET = timedelta(seconds=COOKIE_AGE)
_SET = "latchkey.browser"  # in request.META, where no client can write a name with a dot
_OVERSEERS = frozenset({Role.OFFICER.value, Role.ADMINISTRATOR.value})


def look(request: HttpRequest, row: SignIn) -> list[str]:
    """Why this sign-in is unusual, as it stands in the audit then; nothing for a usual one.

    Part of the caller's transaction.
    """
    user: User = row.user
    is_first = not Familiar.objects.filter(user=user).exists()
    why = []
    if not _knows_browser(request, user) and not _lately(user, _looks(row)):
        why.append(BROWSER)
    if user.roles & _OVERSEERS and _is_strange(user, row.address):
        why.append(NETWORK)
    if is_first or user.created_at > timezone.now() - FIRST_DAY:
        why = []
    if wrong := _wrong_before(user):
        why.append(ATTEMPTS)
    if why:
        detail = {"why": why, "wrong": wrong, "factor": row.factor}
        detail |= {"browser": row.browser, "system": row.system}
        name = user.username
        trail.record(ACTION, actor=name, address=row.address, target=name, detail=detail)
    return why


def remember(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give the browser the cookie by which it is known the next time."""
    found = request.META.get(_SET)
    if found is None:
        return
    name, value = found
    response.set_cookie(name, value, max_age=COOKIE_AGE, secure=True, httponly=True, samesite="Lax")


def forget() -> int:
    """Browsers that did not come back for as long as a cookie lasts; how many."""
    return Familiar.objects.filter(at__lt=timezone.now() - _FORGET).delete()[0]


def _knows_browser(request: HttpRequest, user: User) -> bool:
    """Whether the browser showed that this person signed in with it; from now on it can."""
    name = f"__Host-latchkey-b-{keyed_digest(str(user.pk), 'browser cookie')[:12]}"
    value = request.COOKIES.get(name, "")
    known = bool(value) and _refreshed(user, f"browser {value}")
    if not known:
        value = secrets.token_hex(16)
        _note(user, f"browser {value}")
    request.META[_SET] = name, value
    return known


def _is_strange(user: User, address: str) -> bool:
    """Whether this is outside of the household's networks, and of those that this person came from before."""
    house = household.current()
    ours = [*house.portal_networks, *house.officer_networks]
    if not address or (ours and networks.holds(ours, address)):
        return False
    wide = ipaddress.ip_network(f"{address}/{32 if ':' in address else 16}", strict=False)
    if _refreshed(user, f"network {wide}"):
        return False
    _note(user, f"network {wide}")
    return True


def _lately(user: User, looks: str) -> bool:
    """Whether the same was told lately; it counts as told from now on."""
    found = Familiar.objects.filter(user=user, digest=_digest(user, looks))
    if found.filter(at__gt=timezone.now() - AGAIN_AFTER).exists():
        return True
    found.delete()
    _note(user, looks)
    return False


def _looks(row: SignIn) -> str:
    return f"looks {row.browser} {row.system} {row.address}"


def _wrong_before(user: User) -> int:
    """How many attempts failed since the last sign-in, within a day; 0 when they are not many."""
    lines = AuditEvent.objects.filter(
        target=user.username,
        action__in=("login.failed", "login.ok"),
        at__gt=timezone.now() - timedelta(days=1),
    )
    actions = list(lines.order_by("-sequence").values_list("action", flat=True)[:1000])
    if actions[:1] == ["login.ok"]:  # of this very sign-in
        actions = actions[1:]
    wrong = len(list(takewhile(lambda action: action == "login.failed", actions)))
    return wrong if wrong >= MANY else 0


def _refreshed(user: User, what: str) -> bool:
    found = Familiar.objects.filter(user=user, digest=_digest(user, what))
    return found.update(at=timezone.now()) > 0


def _note(user: User, what: str) -> None:
    Familiar.objects.get_or_create(user=user, digest=_digest(user, what))


def _digest(user: User, what: str) -> str:
    return keyed_digest(what, f"familiar to {user.pk}")
