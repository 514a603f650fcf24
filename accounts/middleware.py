"""Default deny: a view that is not in accounts/public.py needs a verified second factor."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from accounts import household, networks, sessions, signins, unusual
from accounts.guards import is_verified, me
from accounts.public import PUBLIC

SIGNED_OUT = _("You were signed out because nothing happened for a while. Sign in to go on.")
ENDED = _("This session was ended from elsewhere, or because how you sign in was changed. Sign in to go on.")
NOT_SAVED = _(
    "You were signed out in the meantime, so what you sent was not saved. Sign in and send it again."
)


# They say no time, and answer while the database does not.
ALIKE_EVERYWHERE = ("portal:healthz", "portal:metrics")


class VerifiedSessionOnly:
    """Lets a request through to its view when the view is public or the session is verified.

    It acts in `process_view`, where the address is resolved: one that leads nowhere stays a 404.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            response = self.get_response(request)
        finally:
            timezone.deactivate()
        unusual.remember(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """None lets the request through; anything else is the answer."""
        why = _why_over(request) if request.user.is_authenticated else ""
        if why:
            sessions.end(request)
        if is_verified(request.user):
            networks.withhold(request, me(request))
        match = request.resolver_match
        if match is not None and match.view_name in ALIKE_EVERYWHERE:
            return None
        timezone.activate(household.current().time_zone)
        if match is not None and match.view_name in PUBLIC:
            return None
        if not request.user.is_authenticated:
            return _to_login(request, why)
        if not _is_background(request):
            sessions.touch(request)
        return None


def _is_background(request: HttpRequest) -> bool:
    """A page asking by itself (fetch): keeps no forgotten session alive, has no use for a login page."""
    return request.headers.get("Sec-Fetch-Dest") == "empty"


def _why_over(request: HttpRequest) -> str | Promise:
    """Why whoever is signed in is so no more; "" when they are."""
    if not is_verified(request.user):
        return ENDED
    if sessions.is_over(request):
        return SIGNED_OUT
    return "" if signins.is_open(request) else ENDED


def _to_login(request: HttpRequest, why: str | Promise) -> HttpResponse:
    if _is_background(request):
        return HttpResponse(
            say(gettext("You are signed out.")), status=401, content_type="text/plain; charset=utf-8"
        )
    if request.method not in ("GET", "HEAD"):
        messages.warning(request, str(NOT_SAVED))
    elif why:
        messages.info(request, str(why))
    return HttpResponseRedirect(f"{resolve_url('accounts:login')}?{urlencode({'next': _way_back(request)})}")


def _way_back(request: HttpRequest) -> str:
    """The page somebody was on: for a form the page that showed it, as it may be sent to a POST-only one."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=True):
        return "/"
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
