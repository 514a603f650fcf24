"""A signed-in session: begins with both factors, ends by itself."""

import time
from datetime import UTC, datetime, timedelta

import django_otp
from django.contrib import auth
from django.http import HttpRequest
from django.utils import timezone
from django_otp.models import Device

from accounts import household, signins
from accounts.freshness import mark_fresh
from accounts.models import Household, RecoveryDevice, TotpDevice, User

IDLE_CHOICES, HOURS_CHOICES = (5, 15, 30, 60), (1, 4, 8, 12)  # minutes left alone, hours altogether
_TOUCH = 60  # seconds; a session is written at most this often for being used
_BACKEND = "django.contrib.auth.backends.ModelBackend"


def begin(request: HttpRequest, user: User, device: Device) -> None:
    """Sign in `user`, whose `device` has just accepted a code. The session gets a new key."""
    request.session.flush()  # nothing of before: neither a planted key nor somebody else's half-filled form
    auth.login(request, user, backend=_BACKEND)
    django_otp.login(request, device)
    request.session["signed_in_at"] = request.session["seen_at"] = time.time()
    _let_last(request, household.current())
    mark_fresh(request)
    signins.began(request, user, _factor(device))


def rebind(request: HttpRequest, user: User, device: Device | None = None) -> None:
    """Keep this session, under a new key, after a new password or app ended all the others."""
    auth.update_session_auth_hash(request, user)
    signins.end_others(request, user)
    if device is not None:
        django_otp.login(request, device)
        mark_fresh(request)


def end(request: HttpRequest) -> None:
    """Sign out."""
    signins.left(request)
    auth.logout(request)


def is_over(request: HttpRequest) -> bool:
    """Whether the session was left alone for too long, or is too old altogether."""
    house, now = household.current(), time.time()
    idle = now - float(request.session.get("seen_at", 0))
    age = now - float(request.session.get("signed_in_at", 0))
    return idle > house.idle_minutes * 60 or age > house.session_hours * 3600


def ends_at(request: HttpRequest) -> datetime:
    """When the session ends, however busy it is."""
    began = datetime.fromtimestamp(float(request.session.get("signed_in_at", 0)), UTC)
    return began + timedelta(hours=household.current().session_hours)


def touch(request: HttpRequest) -> None:
    """Somebody is there. Written once a minute only: a page view is not worth a transaction."""
    now = time.time()
    if now - float(request.session.get("seen_at", 0)) > _TOUCH:
        request.session["seen_at"] = now
        _let_last(request, household.current())
        signins.touch(request, timezone.now())


def _let_last(request: HttpRequest, house: Household) -> None:
    """The cookie, and the row in the database, last no longer than a session that is left alone."""
    request.session.set_expiry(house.idle_minutes * 60)


def _factor(device: Device) -> str:
    if isinstance(device, RecoveryDevice):
        return "recovery"
    return "app" if isinstance(device, TotpDevice) else "passkey"
