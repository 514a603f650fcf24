"""The door keeps no session: one cookie of its own for its forms; those of others count nothing."""

import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.http import HttpResponse

from accounts.models import User
from door.models import Door, PinUse
from tests.conftest import Browser, open_session
from tests.door.conftest import Home, Visitor, make_door

Visit = Callable[..., Visitor]


@pytest.fixture
def gate(db: None) -> Door:
    return make_door("garden-gate", pin=PinUse.NONE)


def field(page: HttpResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.content.decode())
    assert found, name
    return found[1]


def sent(visitor: Visitor, page: HttpResponse, **changes: str) -> HttpResponse:
    names = ("token", "csrfmiddlewaretoken")
    data = {name: field(page, name) for name in names} | changes
    return visitor.post("/doors/garden-gate/open", data, HTTP_REFERER="https://testserver/")


def test_the_only_cookie_is_the_door_s_own(visit: Visit, alice: User, gate: Door, home: Home) -> None:
    visitor = visit(alice, enforce_csrf_checks=True)
    page = visitor.get("/")
    assert list(page.cookies) == [settings.DOOR_CSRF_COOKIE]
    cookie = page.cookies[settings.DOOR_CSRF_COOKIE]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert sent(visitor, page).status_code == 303
    assert len(home.heard) == 1
    for path in ("/history", "/help", "/manifest.webmanifest"):
        assert not visitor.get(path).cookies


def test_a_form_that_does_not_fit_is_shown_anew_and_then_opens(
    visit: Visit, alice: User, gate: Door, home: Home
) -> None:
    visitor = visit(alice, enforce_csrf_checks=True)
    page = visitor.get("/")
    visitor.cookies.clear()
    again = sent(visitor, page)
    assert again.status_code == 422
    assert "This page was open for too long" in again.content.decode()
    assert not home.heard
    assert sent(visitor, again).status_code == 303
    assert len(home.heard) == 1


def test_a_page_of_another_site_opens_nothing(visit: Visit, alice: User, gate: Door, home: Home) -> None:
    visitor = visit(alice, enforce_csrf_checks=True)
    page = visitor.get("/")
    data = {name: field(page, name) for name in ("token", "csrfmiddlewaretoken")}
    for foreign in ({"HTTP_ORIGIN": "https://portal.home.arpa:8443"}, {"HTTP_ORIGIN": "null"}):
        answer = visitor.post("/doors/garden-gate/open", data, **foreign)
        assert answer.status_code == 422
    assert not home.heard


def test_a_session_of_the_portal_changes_nothing(
    visit: Visit, alice: User, charlie: User, gate: Door, home: Home
) -> None:
    """The certificate says who it is, whoever is signed in at the portal in the same browser."""
    portal = open_session(Browser(), charlie)
    visitor = visit(alice)
    visitor.cookies[settings.SESSION_COOKIE_NAME] = portal.cookies[settings.SESSION_COOKIE_NAME].value
    visitor.press(gate)
    assert alice.presses.count() == 1
    assert not charlie.presses.exists()


def test_nothing_in_a_press_leads_elsewhere(visit: Visit, alice: User, gate: Door, home: Home) -> None:
    answer = visit(alice).press(gate, QUERY_STRING="next=https://evil.example/")
    assert answer["Location"].startswith("/presses/")
