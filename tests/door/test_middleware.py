"""What requests at the door carry, and what they do not."""

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from accounts import household
from door.middleware import InTheHousehold, OwnCookiesOnly


def test_of_all_cookies_only_the_doors_own_token_is_seen(settings: Settings) -> None:
    """Cookies know no ports: the portal's come along with each request."""
    request = RequestFactory().get("/", **{"latchkey.holder": "somebody"})
    own = settings.DOOR_CSRF_COOKIE
    names = (own, settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "django_language", "x")
    request.COOKIES.update(dict.fromkeys(names, "value"))
    seen: list[HttpRequest] = []
    OwnCookiesOnly(lambda got: seen.append(got) or HttpResponse())(request)
    assert dict(seen[0].COOKIES) == {own: "value"}
    assert seen[0].holder == "somebody"


def test_times_are_the_households_and_only_during_the_request(db: None) -> None:
    house = household.current()
    house.time_zone = "Europe/Vienna"
    house.save()
    seen: list[str] = []
    InTheHousehold(lambda _: seen.append(timezone.get_current_timezone_name()) or HttpResponse())(
        HttpRequest()
    )
    assert seen == ["Europe/Vienna"]
    assert timezone.get_current_timezone_name() == "UTC"
