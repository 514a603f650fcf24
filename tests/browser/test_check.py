"""Did it work? Chromium with the household's certificate, with somebody else's, and with none."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import shell
from tests.browser.cast import NAMES
from tests.browser.managed import holding
from tests.pictures import chromium, picture
from tests.portal.running import Running, up

pytestmark = pytest.mark.slow
EVERY_PORT = "https://portal.home.arpa:*"  # the browser shows its certificate to check face and door
SUBJECT = "/O=Acme/CN=Acme employee"


class House(NamedTuple):
    running: Running
    folder: Path
    check: str  # the face's address
    told: dict[str, str]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("check")
    with up(folder / "data", "demo") as running:
        told = json.loads((running.data / "credentials.json").read_text())
        check = f"https://portal.home.arpa:{running.check_address[1]}"
        alice = next(one for one in told["accounts"] if one["username"] == "alice")
        yield House(running, folder, check, {**alice, "root": told["root"], "door": told["door"]})


def opened(browser: Browser, address: str, locale: str = "en-GB") -> Page:
    context = browser.new_context(locale=locale, viewport={"width": 360, "height": 740})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(address)
    return page


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def test_the_right_one_leads_to_the_door(house: House) -> None:
    p12, password = Path(house.told["p12"]), house.told["p12_password"]
    with holding(house.folder / "alice", EVERY_PORT, Path(house.told["root"]), p12, password) as browser:
        page = opened(browser, house.check)
        heading(page, "Everything is fine")
        expect(page.get_by_role("main")).to_contain_text("phone")
        picture(page, "check-in-chromium")
        page.get_by_role("link", name="To the door").click()
        page.wait_for_url(f"{house.told['door']}/**")
        heading(opened(browser, house.check, "de-AT"), "Alles in Ordnung")


def test_somebody_elses_is_explained_and_not_the_browsers_own_page(house: House) -> None:
    folder = house.folder / "acme"
    folder.mkdir()
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9")
    shell.run(folder, "openssl", *new, "-subj", SUBJECT, "-keyout", "key.pem", "-out", "leaf.pem")
    files = ("-inkey", "key.pem", "-in", "leaf.pem", "-out", "acme.p12", "-passout", "pass:acme")
    shell.run(folder, "openssl", "pkcs12", "-export", *files)
    root = Path(house.told["root"])
    with holding(folder / "browser", EVERY_PORT, root, folder / "acme.p12", "acme") as browser:
        page = opened(browser, house.check)
        heading(page, "Another certificate arrived")
        expect(page.get_by_role("main")).to_contain_text("Acme employee")


def test_with_none_there_are_reasons_for_this_browser(house: House) -> None:
    home = shell.trust(house.folder / "nobody", Path(house.told["root"]))
    with chromium(NAMES, home=home) as browser:
        page = opened(browser, house.check)
        heading(page, "No certificate arrived")
        expect(page.get_by_role("main")).to_contain_text("The browser has a list of its own")
        page.get_by_role("link", name="Look again").click()
        heading(page, "No certificate arrived")
        assert page.get_by_role("link", name="Step by step").get_attribute("href").endswith("#linux")
