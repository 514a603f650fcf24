"""The sheet of links on paper: as many cards a page as fit, none torn, and every picture read back."""

from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.test_together import fields, invited, links_on, many
from tests.conftest import open_session
from tests.paper import printed, read_back
from tests.pictures import SITE, chromium, faults_in, serve

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

PEOPLE, ON_A_PAGE = 200, 8

SIZES = """[...document.querySelectorAll(".cards > li")].flatMap(card => [
  [card.clientHeight + card.clientWidth, card.scrollHeight + card.scrollWidth]])"""


@pytest.fixture
def officer(browser: Client, bob: User) -> Client:
    return open_session(browser, bob)


def test_two_hundred_cards_are_printed_eight_a_page_and_every_picture_is_read_back(
    officer: Client, tmp_path: Path
) -> None:
    group = invited(officer, text=many(PEOPLE))
    expected = [f"https://testserver{path}" for path in links_on(officer, group)]
    html = officer.get(f"/people/groups/{group.pk}/links").content.decode()
    assert len(html) < 2_000_000  # bytes
    with chromium() as running:
        page = running.new_page()
        serve(page, {"sheet": html})
        page.goto(f"{SITE}/sheet")
        pages = read_back(printed(page, tmp_path / "sheet.pdf"))
    assert len(pages) == PEOPLE // ON_A_PAGE
    assert [len(page) for page in pages] == [ON_A_PAGE] * len(pages)
    assert set().union(*pages) == set(expected)
    assert pages[0] == set(expected[:ON_A_PAGE])  # in the order of their names


def test_long_names_and_addresses_fit_on_their_cards(officer: Client) -> None:
    names = ("Maria Theresia von und zu Habsburg-Lothringen-Hinterobersdorf", "W" * 64, "Ö" * 32, "Bo")
    group = invited(officer, text="\n".join(names))
    path, host = f"/people/groups/{group.pk}/links", "portal.home.arpa:8443"
    html = officer.get(path, HTTP_HOST=host).content.decode()
    assert f"https://{host}/invite/" in html
    with chromium() as running:
        page = running.new_page()
        serve(page, {"sheet": html})
        page.goto(f"{SITE}/sheet")
        page.emulate_media(media="print")
        sizes = page.evaluate(SIZES)
    assert len(sizes) == 4 and all(needed <= there for there, needed in sizes), sizes


def test_the_pages_about_many_fit_their_windows_and_the_rules_of_axe(officer: Client, bob: User) -> None:
    wrong = "name,e-mail,device,birthday\nAnna Huber,anna@example.org,phone,1 May\nalice,no address,,\n"
    good = "name,e-mail,username,device\n" + "\n".join(
        f"{name},{name[0].lower()}@example.org,,phone"
        for name in (
            "Anna Huber",
            "Jörg Maier",
            "Maria Theresia von Habsburg-Lothringen und anderswo",
            "Xaver Öllinger",
        )
    )
    pages = {
        "empty": officer.get("/people/together"),
        "wrong": officer.post("/people/together", fields(wrong)),
    }
    pages["check"] = officer.post("/people/together", fields(good))
    group = invited(officer, text=good)
    someone = group.invitations.first()
    paths = {
        "sheet": f"/people/groups/{group.pk}/links",
        "anew": f"/people/groups/{group.pk}/anew",
        "anew-one": f"/people/links/{someone.pk}/anew",
        "people": "/people",
    }
    html = {f"together-{name}": officer.get(path).content.decode() for name, path in paths.items()}
    html |= {f"together-{name}": answer.content.decode() for name, answer in pages.items()}
    faults = faults_in(html, ("phone-light", "desk-dark"))
    assert not faults, "\n".join(faults)
