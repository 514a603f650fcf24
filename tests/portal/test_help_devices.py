"""The help on devices: a part for each system, to which the check face leads."""

import re

import pytest
from django.conf import settings

from accounts import useragent
from portal import advice
from tests.conftest import Browser
from tests.portal.test_check import AGENTS


@pytest.fixture
def page(browser: Browser, db: None) -> str:
    return browser.get("/help/devices").content.decode()


def parts(page: str) -> dict[str, str]:
    """The text of each section by its anchor."""
    return dict(re.findall(r'<section id="(\w+)"[^>]*>(.*?)</section>', page, re.DOTALL))


def test_every_browser_that_came_to_the_check_face_finds_its_part(page: str) -> None:
    wanted = {advice.page_for(useragent.read(agent)) for agent in AGENTS} - {""}
    assert wanted < set(parts(page))


def test_each_part_tells_how_to_install_choose_remove_and_renew(page: str) -> None:
    found = parts(page)
    every = found.pop("renew")
    assert f'href="{settings.CHECK_URL}/renew"' in every
    assert set(found) == {"iphone", "android", "windows", "macos", "linux", "firefox"}
    for name, text in found.items():
        assert re.findall(r"<h3>(\w+)</h3>", text) == ["Install", "Choose", "Remove", "Renew"], name
        assert 'href="#renew"' in text, name


def test_what_was_never_tried_on_a_real_device_says_so(page: str) -> None:
    marked = {name for name, text in parts(page).items() if "not tried" in text}
    assert marked == {"iphone", "android", "windows", "macos"}
