"""The page in a real browser: the pad, a press in place, double taps, no network, and the way back."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from door import pins, states
from door.models import Door, PinUse
from tests.door.conftest import PIN, Home, holder_for, make_door
from tests.door.standing import Server, standing
from tests.pictures import chromium, faults_of, looks, picture

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@dataclass
class Stage:
    page: Page
    address: str
    server: Server
    home: Home

    def type(self, pin: str = PIN) -> None:
        for digit in pin:
            self.page.get_by_role("button", name=digit, exact=True).click()

    def press(self, name: str = "Front door") -> None:
        self.page.locator("button.tile", has_text=name).click()

    def at(self, path: str = "/") -> None:
        self.page.goto(self.address + path)


@pytest.fixture
def front(alice: User) -> Door:
    pins.put(alice, PIN)
    return make_door("front-door", state_topic="home/front/state", valid_seconds=5)


@pytest.fixture
def stage(
    door_face: None, alice: User, front: Door, home: Home, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    make_door("garden-gate", pin=PinUse.NONE, colour="brown", picture="gate", position=200)
    options = {"ignore_https_errors": True, **getattr(request, "param", {})}
    with standing(holder_for(alice), tmp_path) as (address, server), chromium() as browser:
        said: list[str] = []
        for _, page in looks(browser, ("phone-light",), **options):
            page.on("console", lambda line: said.append(line.text))
            yield Stage(page, address, server, home)
        assert not [line for line in said if "Content Security Policy" in line]


def confirm(home: Home) -> None:
    """The home says "opened" to the press it heard last, half a second later, in a thread of its own."""
    nonce = json.loads(home.heard[-1].payload)["nonce"]
    said = json.dumps({"nonce": nonce, "state": "opened"}).encode()
    threading.Timer(0.5, states.heard, ("home/front/state", said), {"retained": False}).start()


def test_pin_by_thumb_press_and_the_page_follows_until_it_is_open(stage: Stage) -> None:
    stage.home.then = lambda: confirm(stage.home)
    stage.at()
    stage.type()
    assert stage.page.input_value("#pin") == PIN
    stage.press()
    expect(stage.page.locator("#press h1")).to_have_text("Received by the broker")
    expect(stage.page.locator("#press h1")).to_have_text("Opened")
    assert stage.page.url == f"{stage.address}/"  # in place
    expect(stage.page.locator("#doors")).to_be_hidden()
    assert stage.page.input_value("#pin") == ""
    assert not faults_of(stage.page)
    picture(stage.page, "door-in-place-opened")
    stage.page.get_by_role("link", name="Back to the doors").click()
    stage.type()
    stage.press()
    expect(stage.page.locator("#press h1")).to_have_text("Opened")
    assert len(stage.home.heard) == 2  # a new page, a new press


def test_a_double_tap_opens_once(stage: Stage) -> None:
    stage.at()
    stage.type()
    stage.page.locator("button.tile", has_text="Front door").dblclick()
    stage.page.wait_for_selector("#press h1 >> text=Received")
    assert len(stage.home.heard) == 1


def test_a_wrong_pin_can_be_mended_at_once(stage: Stage) -> None:
    stage.at()
    stage.type("774913")
    stage.press()
    expect(stage.page.locator("#answer")).to_contain_text("9 tries are left.")
    expect(stage.page.locator("#doors")).to_be_visible()
    assert not faults_of(stage.page)
    picture(stage.page, "door-in-place-wrong-pin")
    stage.type()
    stage.press()
    expect(stage.page.locator("#press h1")).to_have_text("Received by the broker")
    assert len(stage.home.heard) == 1


def test_the_pad_deletes_clears_and_is_worked_by_keyboard(stage: Stage) -> None:
    stage.at()
    stage.type("1234")
    stage.page.get_by_role("button", name="Delete the last digit").click()
    assert stage.page.input_value("#pin") == "123"
    expect(stage.page.locator(".pad [aria-live]")).to_have_text("Digits typed: 3")
    stage.page.get_by_role("button", name="Clear").click()
    assert stage.page.input_value("#pin") == ""
    assert stage.page.get_attribute("#pin", "inputmode") == "none"
    stage.page.get_by_role("button", name="7", exact=True).focus()
    stage.page.keyboard.press("Enter")
    stage.page.keyboard.press("Tab")
    stage.page.keyboard.press("Space")
    assert stage.page.input_value("#pin") == "78"
    assert not stage.home.heard


def test_enter_in_the_field_opens_the_only_door_that_asks(stage: Stage) -> None:
    stage.at()
    stage.page.fill("#pin", PIN)
    stage.page.press("#pin", "Enter")
    stage.page.wait_for_selector("#press h1 >> text=Received")
    assert [message.topic for message in stage.home.heard] == ["latchkey/front-door/open"]


def test_without_a_pin_the_browser_asks_for_it_and_other_doors_open(stage: Stage) -> None:
    stage.at()
    stage.press()
    assert not stage.home.heard
    stage.press("Garden gate")
    stage.page.wait_for_selector("#press h1 >> text=Received")
    assert len(stage.home.heard) == 1


def test_a_phone_that_is_not_answered_any_more_is_told(stage: Stage) -> None:
    stage.at()
    stage.type()
    stage.server.away = True
    stage.press()
    expect(stage.page.locator("#answer")).to_contain_text("The door does not answer this phone any more")
    picture(stage.page, "door-in-place-silent")
    assert not faults_of(stage.page)
    stage.server.away = False
    stage.press()  # the PIN is still there
    stage.page.wait_for_selector("#press h1 >> text=Received")
    assert len(stage.home.heard) == 1


def test_a_phone_without_network_is_told_and_the_next_press_is_the_same_one(stage: Stage) -> None:
    stage.at()
    stage.type()
    token = stage.page.input_value("[name=token]")
    stage.page.context.set_offline(True)
    stage.press()
    expect(stage.page.locator("#answer")).to_contain_text("No network")
    assert stage.page.input_value("[name=token]") == token
    stage.page.context.set_offline(False)
    stage.press()
    stage.page.wait_for_selector("#press h1 >> text=Received")
    assert len(stage.home.heard) == 1


def test_an_answer_of_somebody_else_is_none(stage: Stage) -> None:
    stage.at()
    stage.type()
    stage.page.route("**/open", lambda route: route.fulfill(status=400, body="<h1>400 Bad Request</h1>"))
    stage.press()
    expect(stage.page.locator("#answer")).to_contain_text("does not answer this phone any more")


def test_a_form_that_does_not_fit_is_renewed_in_place(stage: Stage) -> None:
    stage.at()
    stage.type()
    stage.page.context.clear_cookies()
    stage.press()
    expect(stage.page.locator("#answer")).to_contain_text("This page was open for too long")
    stage.type()
    stage.press()
    stage.page.wait_for_selector("#press h1 >> text=Received")
    assert len(stage.home.heard) == 1


def test_a_page_out_of_the_browser_s_memory_begins_anew(stage: Stage) -> None:
    stage.at()
    token = stage.page.input_value("[name=token]")
    with stage.page.expect_navigation():
        stage.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert stage.page.input_value("[name=token]") != token


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
def test_without_a_script_the_page_does_the_same(stage: Stage) -> None:
    stage.home.then = lambda: confirm(stage.home)
    stage.at()
    assert stage.page.get_attribute("#pin", "inputmode") == "numeric"
    stage.page.fill("#pin", PIN)
    picture(stage.page, "door-without-script")
    stage.press()
    stage.page.wait_for_url("**/presses/**")
    expect(stage.page.locator("#press h1")).to_have_text("Opened", timeout=10_000)
    stage.page.go_back()  # to a new page: pressed there, it opens again
    stage.page.fill("#pin", PIN)
    stage.press()
    stage.page.wait_for_url("**/presses/**")
    assert len(stage.home.heard) == 2


@pytest.mark.parametrize("stage", [{"java_script_enabled": False}], indirect=True)
def test_without_a_script_enter_opens_no_door_by_mistake(stage: Stage) -> None:
    stage.at()
    stage.page.fill("#pin", PIN)
    stage.page.press("#pin", "Enter")
    stage.page.wait_for_timeout(300)
    assert not stage.home.heard
