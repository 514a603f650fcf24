"""Every page that can be opened, as each of the cast gets it, in German: axe finds nothing, at a phone's
width, and no English is left.

The HTML comes from Django's test client and is shown from memory. Pages that differ in nothing but names and
numbers are looked at once.
"""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext
from pytest_django import Settings

from accounts.forms import SignInForm
from accounts.models import User
from enrollment.models import CertificationRequest
from portal import errors, errors_door
from portal.views import check
from tests.conftest import Browser, open_session
from tests.pictures import SITE, chromium, faults_in, looks, serve
from tests.test_routes import ALL, VISITORS, address, stage
from tests.test_texts import TOP, parts, texts

__all__ = ["stage"]
LOOK = ("phone-light",)  # sizes are tightest there; tests/design/test_contrast.py sees to the colours
CHANGING = re.compile(r'value="[^"]*"|[0-9a-f]{4,}|\d+|<time.*?</time>|<bdi>.*?</bdi>', re.DOTALL)
HIDDEN = re.compile(r"<(script|style|svg|code|pre|title)\b.*?</\1>|<[^>]*>", re.DOTALL)
Stage = dict[str, CertificationRequest]


def opened(stage: Stage, someone: User) -> dict[str, str]:
    """Name and HTML of each page."""
    pages, seen = {}, set()
    for name, path in ALL:
        if name.startswith("admin"):  # Django's own pages, in its own words
            continue
        for visitor in VISITORS:
            browser = cast(Browser, Browser())
            if visitor != "nobody":
                open_session(browser, User.objects.get(username=visitor))
            page = page_of(browser.get(address(path, stage, someone), HTTP_ACCEPT_LANGUAGE="de"))
            form = CHANGING.sub("", page)
            if page and form not in seen:
                seen.add(form)
                pages[f"{visitor}-{name.replace(':', '-')}"] = page
    return pages


def page_of(answer: HttpResponse) -> str:
    text = "" if answer.streaming else answer.content.decode(errors="replace")
    return text if text.startswith("<!doctype html") else ""


@pytest.mark.slow
@pytest.mark.django_db
def test_no_english_is_left_on_german_pages(stage: Stage, charlie: User) -> None:
    english = [(message.id, parts(message.string)[0]) for message in texts(TOP / "locale/de")]
    sentences = [
        part
        for ids, said in english
        for part in parts(ids)
        if len(part) > 20 and "%(" not in part and part != said
    ]
    found = set()
    for name, page in opened(stage, charlie).items():
        read = " ".join(html.unescape(HIDDEN.sub(" ", page)).split())
        found |= {(name, sentence) for sentence in sentences if sentence in read}
    assert sorted(found) == []


PRINTED: dict[str, dict[str, object]] = {
    "accounts/recovery_codes.html": {"codes": ["abcd-efgh-2345"]},
    "certificates/slip.html": {
        "code": "abcd-efgh-2345",
        "certificate": {"pk": UUID(int=1)},
        "made": datetime(2026, 5, 4, tzinfo=UTC),
    },
}


def test_the_slip_says_on_which_day_it_was_made() -> None:
    slip = "certificates/slip.html"
    assert "made 4 May 2026 ·" in render_to_string(slip, PRINTED[slip])


@pytest.mark.slow
@pytest.mark.parametrize("template", PRINTED)
def test_on_paper_there_are_the_codes_and_no_buttons(template: str) -> None:
    page = {"page": render_to_string(template, PRINTED[template])}
    with chromium() as browser:
        for _, shown in looks(browser, ("desk-dark",)):
            serve(shown, page)
            shown.goto(f"{SITE}/page")
            shown.emulate_media(media="print")
            assert "abcd-efgh-2345" in shown.locator("main").inner_text()
            for gone in ("header", "footer", "button", "a.button"):
                assert not any(one.is_visible() for one in shown.locator(gone).all()), gone


CSS = sorted((TOP / "static").rglob("*.css"))
MOVES = re.compile(r"\b(animation|transition|scroll-behavior|view-transition-name)[\w-]*\s*:|@keyframes")


@pytest.mark.parametrize("file", CSS, ids=lambda file: file.name)
def test_whatever_moves_stands_where_stillness_was_not_asked_for(file: Path) -> None:
    css = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
    willing = r"@media \(prefers-reduced-motion: no-preference\) \{(?:[^{}]*\{[^{}]*\})*[^{}]*\}"
    assert not MOVES.search(re.sub(willing, "", css)), f"{file.name} moves for everybody"


@pytest.mark.slow
@pytest.mark.parametrize("reduced", [True, False])
def test_nothing_moves_for_whoever_asked_for_stillness(reduced: bool) -> None:
    page = {"page": render_to_string("error.html", {"title": "Still"})}
    with chromium() as browser:
        for _, shown in looks(browser, LOOK, reduced_motion="reduce" if reduced else "no-preference"):
            serve(shown, page)
            shown.goto(f"{SITE}/page")
            moving = "getComputedStyle(document.querySelector('a.button')).transitionDuration"
            assert (shown.evaluate(moving) == "0s") == reduced


def too_many(request: HttpRequest) -> HttpResponse:
    """429 has no page of its own: its sentence stands above the form that was sent too often."""
    said = {"form": SignInForm(), "refused": gettext("Too many attempts. Try again in %(time)s.")}
    return HttpResponse(render_to_string("accounts/login.html", said, request), status=429)


URLS = {"portal": "portal.urls", "door": "portal.urls_door", "check": "portal.urls_check"}
WRONG: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "portal-400": lambda request: errors.bad_request(request, ValueError()),
    "portal-403": errors.forbidden,
    "portal-403-form": errors.csrf_failure,
    "portal-404": errors.not_found,
    "portal-413": lambda request: errors.bad_request(request, RequestDataTooBig()),
    "portal-429": too_many,
    "portal-500": errors.server_error,
    "door-400": lambda request: errors_door.bad_request(request, ValueError()),
    "door-404": errors_door.not_found,
    "door-500": errors_door.server_error,
    "check-400": lambda request: check.bad_request(request, ValueError()),
    "check-404": check.not_found,
    "check-500": check.server_error,
}


@pytest.mark.slow
@pytest.mark.django_db
def test_axe_finds_nothing_on_the_pages_for_what_goes_wrong(settings: Settings) -> None:
    pages, request = {}, RequestFactory().get("/")
    request.user = AnonymousUser()
    for (name, answer), language in product(WRONG.items(), ("en", "de")):
        settings.ROOT_URLCONF = URLS[name.partition("-")[0]]
        with translation.override(language):
            pages[f"wrong-{name}-{language}"] = answer(request).content.decode()
    assert all("latchkey.css" in page for page in pages.values()), "bare words in place of a page"
    faults = faults_in(pages, LOOK)
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.django_db
def test_axe_finds_nothing_on_any_page(stage: Stage, charlie: User) -> None:
    faults = faults_in(opened(stage, charlie), LOOK)
    assert not faults, "\n".join(faults)
