"""From the thumb to the home: Chromium with a client certificate presses, two real Mosquittos hand it on.

The certificate is in the browser's own store (NSS), as a person would install the .p12.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser import shell
from tests.browser.cast import NAMES
from tests.browser.managed import holding
from tests.door.broker import Visitor, visitor
from tests.pictures import chromium, faults_of, looks, picture
from tests.portal.pair_child import pair
from tests.portal.running import Running, free_port, up

pytestmark = pytest.mark.slow
OPEN, STATE, GARAGE = "latchkey/front-door/open", "latchkey/front-door/state", "rfid/door1/open"


class Evening(NamedTuple):
    """A demo with the pair of brokers, somebody who listens at home, and alice with her phone."""

    running: Running
    home: Visitor
    browser: Browser
    door: str  # its address
    pin: str


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    folder, port = tmp_path_factory.mktemp("evening"), free_port()
    with (
        up(folder / "data", "demo", LATCHKEY_MQTT_URL=f"mqtts://localhost:{port}") as running,
        pair(running.env, folder / "pair") as home_port,
        visitor(home_port, OPEN, GARAGE) as home,
    ):
        told = json.loads((running.data / "credentials.json").read_text())
        alice = account(told, "alice")
        root, p12 = Path(told["root"]), Path(alice["p12"])
        with holding(folder / "phone", told["door"], root, p12, alice["p12_password"]) as browser:
            yield Evening(running, home, browser, told["door"], alice["pin"])


def account(told: dict[str, Any], username: str) -> dict[str, str]:
    return next(one for one in told["accounts"] if one["username"] == username)


def door_page(evening: Evening, locale: str = "en-GB", **options: Any) -> Page:
    context = evening.browser.new_context(locale=locale, viewport={"width": 360, "height": 740}, **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(evening.door)
    return page


def press(page: Page, pin: str, door: str) -> None:
    page.get_by_label("PIN", exact=True).fill(pin)
    page.get_by_role("button", name=re.compile(f"^{door}")).click()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize(
    ("locale", "door", "received", "opened"),
    [
        ("en-GB", "Front door", "Received by the broker", "Opened"),
        ("de-DE", "Front door", "Beim Broker angekommen", "Geöffnet"),
    ],
    ids=["English", "German"],
)
def test_a_press_in_chromium_is_heard_at_home_and_its_answer_is_shown(
    evening: Evening, locale: str, door: str, received: str, opened: str, javascript: bool
) -> None:
    page = door_page(evening, locale, java_script_enabled=javascript)
    press(page, evening.pin, door)
    expect(page.locator("#press")).to_contain_text(received)
    message = evening.home.next()
    heard = json.loads(message.payload)
    assert message.topic == OPEN
    assert heard["by"] == "alice's phone"
    assert "pin" not in heard, "it was checked here"
    assert evening.pin.encode() not in message.payload
    evening.home.says(STATE, json.dumps({"nonce": heard["nonce"], "state": "opened"}))
    expect(page.locator("#press h1")).to_have_text(opened)
    picture(page, f"door-opened-{locale}-{'script' if javascript else 'plain'}")
    page.context.close()


def test_the_home_that_was_there_before_hears_what_it_always_heard(evening: Evening) -> None:
    page = door_page(evening)
    press(page, evening.pin, "Garage")
    expect(page.locator("#press")).to_contain_text("Received")
    message = evening.home.next()
    assert message.topic == GARAGE
    name, pin, rest = message.payload.decode().split(":")
    assert name == "alice's phone"
    assert (pin, rest) == (evening.pin, "")
    page.context.close()


def test_a_wrong_pin_is_not_heard_by_anybody(evening: Evening) -> None:
    page = door_page(evening)
    press(page, "918273", "Front door")
    expect(page.locator("#press")).to_contain_text("PIN")
    assert evening.home.everything() == []
    page.context.close()


def test_a_browser_without_the_certificate_sees_no_page(evening: Evening, tmp_path: Path) -> None:
    root = evening.running.data / "public" / "ca" / "servers-root.pem"
    with chromium(NAMES, home=shell.trust(tmp_path, root)) as stranger:
        page = stranger.new_page()
        with pytest.raises(Error, match="net::ERR_"):
            page.goto(evening.door)


def test_the_pages_look_right(evening: Evening) -> None:
    faults = []
    for look, page in looks(evening.browser, ("phone-light", "desk-dark"), locale="en-GB"):
        page.goto(evening.door)
        expect(page.get_by_role("button", name=re.compile("^Front door"))).to_be_visible()
        picture(page, f"door-chromium-{look}")
        faults += [f"doors {look}: {fault}" for fault in faults_of(page)]
        press(page, evening.pin, "Garage")
        expect(page.locator("#press h1")).to_contain_text("Received")
        picture(page, f"door-chromium-pressed-{look}")
        faults += [f"pressed {look}: {fault}" for fault in faults_of(page)]
        evening.home.next()
    assert faults == []
