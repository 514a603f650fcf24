"""Questions for passkeys: random, each good for one answer within five minutes, from the browser that got it.

They are rows and not part of the session, because only a row is taken away once, however many answers come at
the same moment.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils import timezone

from accounts.addresses import address_of, network_of
from accounts.models import PasskeyChallenge, User
from accounts.sealing import keyed_digest

ALONE, SECOND, FRESH, ADD = "alone", "second", "fresh", "add"
SECONDS = 300
IN_ONE_BROWSER, FROM_ONE_NETWORK = 5, 60  # that wait at the same time


def ask(request: HttpRequest, purpose: str, user: User | None = None) -> str | None:
    """A new question, base64url of 256 bits; None when too many from this network wait for an answer."""
    network = network_of(address_of(request))
    sweep()
    if not request.user.is_authenticated and _of_strangers(network) >= FROM_ONE_NETWORK:
        return None
    get_token(request)  # an anonymous browser is known by the cookie that this sets
    browser = _browser(request)
    mine = PasskeyChallenge.objects.filter(browser=browser).order_by("-made_at", "-pk")
    mine.filter(pk__in=list(mine.values_list("pk", flat=True)[IN_ONE_BROWSER - 1 :])).delete()
    text = encoded(secrets.token_bytes(32))
    PasskeyChallenge.objects.create(
        digest=_digest(text), purpose=purpose, browser=browser, network=network, user=user
    )
    return text


def spend(request: HttpRequest, purpose: str, text: str, user: User | None = None) -> bool:
    """Whether `text` was asked here, for this purpose and person, and has not been answered; now it has."""
    return _waiting(request, purpose, text, user).delete()[0] == 1


def waits(request: HttpRequest, purpose: str, text: str, user: User | None = None) -> bool:
    """As `spend`, and it can still be answered."""
    return _waiting(request, purpose, text, user).exists()


def _of_strangers(network: str) -> int:
    """Asked by browsers that are not signed in: they hold up nobody who is."""
    return PasskeyChallenge.objects.filter(network=network, purpose__in=(ALONE, SECOND)).count()


def encoded(data: bytes) -> str:
    """base64url without padding, as WebAuthn writes it (RFC 4648 5)."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def _waiting(request: HttpRequest, purpose: str, text: str, user: User | None) -> QuerySet[PasskeyChallenge]:
    return PasskeyChallenge.objects.filter(
        digest=_digest(text), purpose=purpose, browser=_browser(request), user=user, made_at__gt=_oldest()
    )


def sweep() -> int:
    """Forget what nobody answered in time; how many."""
    return PasskeyChallenge.objects.filter(made_at__lte=_oldest()).delete()[0]


def _oldest() -> datetime:
    return timezone.now() - timedelta(seconds=SECONDS)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _browser(request: HttpRequest) -> str:
    """Whoever is signed in: the session. Everybody else: the CSRF cookie, which changes with the sign-in."""
    if request.user.is_authenticated:
        return keyed_digest(request.session.session_key or "", "passkey session")
    return keyed_digest(request.META.get("CSRF_COOKIE", ""), "passkey browser")
