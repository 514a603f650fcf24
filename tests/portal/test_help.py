"""Help: each page leads to its part, each word that is linked is explained."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from accounts.models import User
from portal import guide
from tests.conftest import Browser, open_session
from tests.test_routes import EXPECTED

pytestmark = pytest.mark.django_db
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
NO_PART = {"portal:home", "portal:help", "portal:help_devices", "portal:words"}  # the help as a whole
NO_PAGE = {"portal:healthz", "portal:metrics"}


def parts() -> set[str]:
    """The anchors of the help page."""
    return set(re.findall(r'<section id="([\w-]+)"', Browser().get("/help").content.decode()))


def header(page: str) -> str:
    return page[: page.index("</header>")]


def test_every_page_has_a_part_of_the_help() -> None:
    without = {name for name in EXPECTED if not guide.part_of(name)}
    assert without == NO_PART | NO_PAGE
    assert {part for _begin, part in guide.PARTS} <= parts()


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/", ""),
        ("/people", "#people"),
        ("/queue/", "#queue"),
        ("/doors/", "#doors"),
        ("/account", "#signing-in"),
    ],
)
def test_the_header_leads_to_the_part_that_fits(bob: User, path: str, part: str) -> None:
    page = header(open_session(Browser(), bob).get(path).content.decode())
    assert f'href="/help{part}"' in page


def test_strangers_and_error_pages_have_it_too(browser: Client) -> None:
    assert 'href="/help#signing-in"' in header(browser.get("/login").content.decode())
    assert 'href="/help"' in header(browser.get("/nothing/here").content.decode())


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_words_are_explained_in_each_language(browser: Client, language: str) -> None:
    page = browser.get("/help/words", headers={"accept-language": language}).content.decode()
    with translation.override(language):
        for word in guide.WORDS:
            assert f'<dt id="{word.anchor}"><strong>{word.title}</strong></dt><dd>{word.text}</dd>' in page


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_word_that_is_linked_is_explained(path: Path) -> None:
    known = {word.anchor for word in guide.WORDS}
    assert set(re.findall(r"{{ words }}#([\w-]+)", path.read_text())) <= known


def test_help_that_is_linked_is_there(browser: Client) -> None:
    linked = {part for path in TEMPLATES for part in re.findall(r"{{ help }}#([\w-]+)", path.read_text())}
    assert linked <= parts()
