"""Many phones: a list is pasted, the sheet printed, and somebody joins by the picture on the paper."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import asking
from tests.browser.conftest import Household
from tests.browser.people import Person
from tests.paper import printed, read_back
from tests.pictures import faults_of, picture

pytestmark = pytest.mark.slow

LIST = """name,e-mail,device
Gerda Gruber,gerda@example.org,Gerda's red phone
Hugo Hahn,hugo@example.org,
Ida Igel,,
"""
WIDTHS = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


def look(person: Person, name: str) -> None:
    """Pictures at both widths; nothing is wrong at either."""
    for look, size in WIDTHS.items():
        person.page.set_viewport_size(size)
        picture(person.page, f"{name}-{look}")
        assert not faults_of(person.page)


def invite(dora: Person) -> None:
    dora.go("People")
    dora.follow("Invite many at once")
    dora.page.get_by_label("What do you call this group?").fill("Spring 2027")
    dora.page.get_by_label("Whom do you invite?").fill(LIST)
    dora.press("Look at the list")
    dora.sees("Nothing was made yet.")
    if dora.page.get_by_label("Code").count():
        dora.page.get_by_label("Code").fill(dora.app.code())
    dora.press("Invite 3 people")
    expect(dora.page.get_by_role("heading", name="Spring 2027: 3 links")).to_be_visible()


def state_of(dora: Person, name: str) -> str:
    dora.page.reload()
    return dora.page.get_by_role("row", name=name).locator(".state").inner_text()


def test_from_a_pasted_list_to_an_installed_certificate(household: Household, tmp_path: Path) -> None:
    dora = household.dora
    invite(dora)
    look(dora, "sheet")
    (links,) = read_back(printed(dora.page, tmp_path / "sheet.pdf"))
    assert len(links) == 3
    shown = dora.page.get_by_role("listitem").filter(has_text="Gerda Gruber").locator("code").inner_text()
    assert shown in links
    dora.follow("See how far each is")
    assert state_of(dora, "Gerda Gruber") == "Invited"

    gerda = Person(household.browser, "Gerda Gruber")
    gerda.join(shown)
    assert state_of(dora, "Gerda Gruber") == "Signed in"
    installs(gerda, household.bob, dora)
    look(dora, "progress")
    dora.page.get_by_role("navigation", name="Show only").get_by_role("link", name="Invited").click()
    expect(dora.page.get_by_role("row", name="Gerda Gruber")).to_have_count(0)
    gerda.leave()


def installs(gerda: Person, bob: Person, dora: Person) -> None:
    """With what was proposed for her, to the end; dora sees each step."""
    gerda.follow("Put a certificate on this device")
    expect(gerda.page.get_by_label("What do you call this device?")).to_have_value("Gerda's red phone")
    gerda.press("Make the key and ask")
    gerda.sees("The key waits in this browser.")
    assert state_of(dora, "Gerda Gruber") == "Requested"
    asking.approve(bob, "Gerda's red phone")
    assert state_of(dora, "Gerda Gruber") == "Approved"
    gerda.page.reload()
    gerda.follow("Finish on this device")
    gerda.press("Make the file")
    with gerda.page.expect_response("**/installed") as told:
        gerda.press("It is installed: delete the key here")
    assert told.value.status == 204
    assert state_of(dora, "Gerda Gruber") == "Installed"
