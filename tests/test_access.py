"""Every page that can be opened, as each of the cast gets it, in German: axe finds nothing, at a phone's
width, and no English is left.

The HTML comes from Django's test client and is shown from memory. Pages that differ in nothing but names and
numbers are looked at once.
"""

import html
import re
from typing import cast
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.template.loader import render_to_string

from accounts.models import User
from enrollment.models import CertificationRequest
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


PRINTED = {
    "accounts/recovery_codes.html": {"codes": ["abcd-efgh-2345"]},
    "certificates/slip.html": {"code": "abcd-efgh-2345", "certificate": {"pk": UUID(int=1)}},
}


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


@pytest.mark.slow
@pytest.mark.django_db
def test_axe_finds_nothing_on_any_page(stage: Stage, charlie: User) -> None:
    faults = faults_in(opened(stage, charlie), LOOK)
    assert not faults, "\n".join(faults)
