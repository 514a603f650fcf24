"""What is special about requests at the door: no session, and somebody known."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts import household, languages


class OwnCookiesOnly:
    """Sets `request.holder`, and drops every cookie but the door's own CSRF token.

    Cookies know no ports (RFC 6265 8.5): the portal's session comes along with each request, and other
    programs on this host set what they like.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        own = settings.DOOR_CSRF_COOKIE
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if name == own}
        request.holder = request.META["latchkey.holder"]  # type: ignore[attr-defined]
        return self.get_response(request)


class InTheHousehold:
    """Times on the door's pages are the household's, which is `request.household`; the language is that of
    whoever holds the certificate, should they have chosen one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        house = household.current()
        request.household = house  # type: ignore[attr-defined]
        timezone.activate(house.time_zone)
        if holder := getattr(request, "holder", None):  # the check face has none
            languages.speak(holder.user)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()
