"""Pages and letters speak to people in their own language."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from django.conf import settings
from django.http import HttpResponse
from django.test import override_settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts import household, kinds, languages, news, outbox
from accounts.models import Household, Notice, User
from audit.models import AuditEvent
from portal import locales
from tests.conftest import Browser, open_session

pytestmark = pytest.mark.django_db
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "fr;q=0.9, de-AT, en;q=0.5"}


def language_of(answer: HttpResponse) -> str:
    """As the page itself says; its header says the same."""
    found = answer.content.decode().partition('<html lang="')[2].partition('"')[0]
    assert answer.headers["Content-Language"] == found
    assert "Accept-Language" in answer.headers["Vary"]
    return found


def speaks(user: User, code: str) -> None:
    User.objects.filter(pk=user.pk).update(language=code)


def test_the_browser_decides_for_whoever_is_nobody_yet(browser: Browser) -> None:
    assert language_of(browser.get("/help", **GERMAN)) == "de"
    assert language_of(browser.get("/help", HTTP_ACCEPT_LANGUAGE="fr, en;q=0.1")) == "en"


@pytest.mark.parametrize("asked", ["", "fr", "*", "x" * 600, "de-\0", ";;;q=,"])
def test_a_browser_that_names_none_of_ours_gets_the_household_s(browser: Browser, asked: str) -> None:
    household.current()
    Household.objects.update(language="de")
    assert language_of(browser.get("/help", HTTP_ACCEPT_LANGUAGE=asked)) == "de"


def test_a_person_s_choice_counts_more_than_the_browser(browser: Browser, alice: User) -> None:
    open_session(browser, alice)
    assert language_of(browser.get("/account", **GERMAN)) == "de"
    speaks(alice, "en")
    assert language_of(browser.get("/account", **GERMAN)) == "en"
    assert language_of(browser.get("/nothing-here", **GERMAN)) == "en"


def test_it_is_chosen_beside_one_s_name_and_nobody_is_alarmed(browser: Browser, alice: User) -> None:
    open_session(browser, alice)
    typed = {"full_name": alice.full_name, "email": alice.email}
    assert browser.post("/account/profile", {**typed, "language": "xx"}).status_code == 400
    assert browser.post("/account/profile", {**typed, "language": "de"}).status_code == 302
    answer = browser.get("/account")
    assert language_of(answer) == "de"
    assert "Gespeichert." in answer.content.decode()
    assert list(AuditEvent.objects.filter(target="alice").values_list("action", flat=True)) == [
        "language.changed"
    ]
    assert "language.changed" not in news.ACTIONS


def test_a_language_whose_folder_went_is_passed_over(browser: Browser, alice: User) -> None:
    speaks(alice, "eo")
    alice.refresh_from_db()
    assert languages.of(alice) == "en"
    assert language_of(open_session(browser, alice).get("/account", **GERMAN)) == "de"


def test_the_thread_forgets_the_language_after_each_request(browser: Browser, alice: User) -> None:
    speaks(alice, "de")
    open_session(browser, alice).get("/account")
    assert translation.get_language() == "en"
    browser.get("/nothing-here", **GERMAN)
    assert translation.get_language() == "en"


def test_each_reads_a_message_in_their_own_language(alice: User, bob: User) -> None:
    speaks(bob, "de")
    alice.refresh_from_db()
    bob.refresh_from_db()
    subject = languages.later(_("You may press again at %(time)s."), time="8:00")
    outbox.tell([alice, bob], kinds.ACCOUNT, event="once", subject=subject, text=_("Wrong PIN"))
    told = {notice.user.username: (notice.subject, notice.text) for notice in Notice.objects.all()}
    assert told["alice"] == ("You may press again at 8:00.", "Wrong PIN")
    assert told["bob"] == ("Du darfst um 8:00 wieder drücken.", "Falsche PIN")


@pytest.fixture
def esperanto(tmp_path: Path) -> Iterator[None]:
    """A folder more, as docs/translating.md has it."""
    shutil.copytree(settings.LOCALE_PATHS[0], tmp_path / "locale")
    folder = tmp_path / "locale/eo/LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog = Catalog(locale="eo")
    catalog.add("Trust this portal", "Fidi ĉi tiun portalon")
    with (folder / "django.mo").open("wb") as file:
        write_mo(file, catalog)
    found = locales.found(tmp_path / "locale")
    with override_settings(LOCALE_PATHS=[tmp_path / "locale"], LANGUAGES=found):
        yield


def test_a_folder_more_is_a_language_more(esperanto: None, browser: Browser, alice: User) -> None:
    assert ("eo", "Esperanto") in languages.choices()
    page = browser.get("/help", HTTP_ACCEPT_LANGUAGE="eo, de").content.decode()
    assert '<html lang="eo">' in page
    assert "Fidi ĉi tiun portalon" in page
    open_session(browser, alice)
    assert '<option value="eo">Esperanto</option>' in browser.get("/account/profile").content.decode()


def test_languages_go_by_their_own_names(tmp_path: Path) -> None:
    for code in ("pt_BR", "de", "xx", "empty"):
        (tmp_path / code / "LC_MESSAGES").mkdir(parents=True)
        if code != "empty":
            (tmp_path / code / "LC_MESSAGES/django.mo").touch()
    assert locales.found(tmp_path) == [
        ("en", "English"),
        ("de", "Deutsch"),
        ("pt-br", "Português brasileiro"),
        ("xx", "Xx"),
    ]
