"""A signed-in session: begins with both factors, ends by itself."""

import time

import django_otp
from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest

from accounts.freshness import mark_fresh
from accounts.models import SlowDevice, User

ABSOLUTE = 12 * 3600  # seconds after which a session ends, however busy
_TOUCH = 60  # seconds; a session is written at most this often for being used
_BACKEND = "django.contrib.auth.backends.ModelBackend"


def begin(request: HttpRequest, user: User, device: SlowDevice) -> None:
    """Sign in `user`, whose `device` has just accepted a code. The session gets a new key."""
    request.session.flush()  # nothing of before: neither a planted key nor somebody else's half-filled form
    auth.login(request, user, backend=_BACKEND)
    django_otp.login(request, device)
    request.session["signed_in_at"] = request.session["seen_at"] = time.time()
    mark_fresh(request)


def rebind(request: HttpRequest, user: User, device: SlowDevice | None = None) -> None:
    """Keep this session, under a new key, after a new password or app ended all the others."""
    auth.update_session_auth_hash(request, user)
    if device is not None:
        django_otp.login(request, device)
        mark_fresh(request)


def is_over(request: HttpRequest) -> bool:
    """Whether the session was left alone for too long, or is too old altogether."""
    now = time.time()
    idle = now - float(request.session.get("seen_at", 0))
    age = now - float(request.session.get("signed_in_at", 0))
    return idle > settings.SESSION_COOKIE_AGE or age > ABSOLUTE


def touch(request: HttpRequest) -> None:
    """Somebody is there. Written once a minute only: a page view is not worth a transaction."""
    now = time.time()
    if now - float(request.session.get("seen_at", 0)) > _TOUCH:
        request.session["seen_at"] = now
