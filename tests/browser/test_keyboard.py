"""The main job by keyboard alone: nothing is clicked, every stop can be seen and says to Chromium what it is.

Names and roles are those of the accessibility tree, which screen readers are given.
"""

from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.browser import asking, shell
from tests.browser.conftest import Household
from tests.browser.people import Person
from tests.portal.running import Running, manage

pytestmark = pytest.mark.slow

STOPS = 60  # more than any of these pages has
NEW = (
    "req",
    "-new",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    "/CN=anything",
)
# WCAG 2.2, 2.4.7 and 2.4.11: where the focus is can be seen, and nothing lies on top of it.
FAULT = """() => {
  const here = document.activeElement, style = getComputedStyle(here), box = here.getBoundingClientRect();
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  if (!ring && style.boxShadow === "none") return "no ring";
  if (box.width < 1 || box.bottom <= 0 || box.top >= innerHeight) return "out of sight";
  const over = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, 20) / 2);
  return !over || here.contains(over) || over.contains(here) ? "" : `behind ${over.outerHTML.slice(0, 70)}`;
}"""
HERE = "document.activeElement.outerHTML.slice(0, 120)"
GROW_OLD = """
from importlib import import_module
from django.conf import settings
store = import_module(settings.SESSION_ENGINE).SessionStore("{}")
store["fresh_at"] = 0
store.save()
"""


class Stop(NamedTuple):
    role: str
    name: str


class Typist:
    """Somebody with a keyboard and no mouse, in a window of their own."""

    def __init__(self, household: Household, known: Person) -> None:
        self.person = Person(household.browser, known.full_name, password=known.password)
        self.person.app, self.page = known.app, self.person.page
        self.page.goto(f"https://portal.home.arpa:{household.running.address[1]}/login")
        self._tree = self.page.context.new_cdp_session(self.page)

    def stop(self) -> Stop:
        """What has the focus, as a screen reader is told."""
        here = self._tree.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]
        asked = {"objectId": here["objectId"], "fetchRelatives": False}
        node = self._tree.send("Accessibility.getPartialAXTree", asked)["nodes"][0]
        role, name = (node.get(part, {}).get("value", "") for part in ("role", "name"))
        return Stop(role, name)

    def look(self) -> Stop:
        """The stop that was come to, which has a name and a ring; past the last one it is the page itself."""
        found = self.stop()
        if not self.page.evaluate("document.activeElement === document.body"):
            assert found.name, f"{found.role} without a name: {self.page.evaluate(HERE)}"
            assert not (fault := self.page.evaluate(FAULT)), f"{found}: {fault}"
        return found

    def to(self, role: str, name: str, key: str = "Tab") -> None:
        """On to the stop of this role whose name begins so; each one on the way can be seen."""
        passed: list[Stop] = []
        for _ in range(STOPS):
            passed.append(self.look())  # a page may begin at its first field
            if passed[-1].role == role and passed[-1].name.startswith(name):
                return
            self.page.keyboard.press(key)
        pytest.fail(f"no {role} {name!r} among {passed}")

    def type(self, name: str, text: str) -> None:
        self.to("textbox", name)
        self.page.keyboard.insert_text(text)

    def press(self, role: str, name: str) -> None:
        """Enter on what leads to another page."""
        self.to(role, name)
        with self.page.expect_event("load"):
            self.page.keyboard.press("Enter")

    def sign_in(self) -> None:
        self.type("User name", self.person.username)
        self.type("Password", self.person.password)
        self.type("Code", self.person.app.code())
        self.press("button", "Sign in")
        self.person.sees("Hello")

    def grow_old(self, running: Running) -> None:
        """As if the last code had been more than five minutes ago."""
        cookies = {one["name"]: one["value"] for one in self.page.context.cookies()}
        done = manage("shell", "-c", GROW_OLD.format(cookies[settings.SESSION_COOKIE_NAME]), env=running.env)
        assert done.returncode == 0, done.stderr


def test_the_skip_link_leads_past_the_navigation_and_back(household: Household) -> None:
    nobody = Typist(household, household.alice)
    nobody.page.goto(nobody.page.url.replace("login", "help"))  # the login begins at its first field
    nobody.to("link", "Skip to the content")
    nobody.page.keyboard.press("Enter")
    assert nobody.stop().role == "main"
    nobody.page.keyboard.press("Tab")
    assert nobody.page.evaluate("document.activeElement.closest('main') !== null")
    nobody.to("link", "Skip to the content", "Shift+Tab")
    nobody.person.leave()


def test_from_the_request_to_the_certificate(household: Household, tmp_path: Path) -> None:
    alice = Typist(household, household.alice)
    alice.sign_in()
    shell.run(tmp_path, "openssl", *NEW, "-keyout", "device.key", "-out", "device.csr")
    words = hand_in(alice, tmp_path / "device.csr")
    bob = Typist(household, household.bob)
    bob.sign_in()
    bob.grow_old(household.running)
    with alice.page.expect_event("load", timeout=60_000):  # it follows by itself
        approve(bob, words)
    alice.person.sees("Take the certificate")  # which comes later still where it was seen approved, unsigned
    expect(alice.page.get_by_role("link", name="PEM alone")).to_be_visible()
    alice.to("link", "PEM alone")
    with alice.page.expect_download() as waiting:
        alice.page.keyboard.press("Enter")
    (tmp_path / "leaf.pem").write_bytes(waiting.value.path().read_bytes())
    own = shell.run(tmp_path, "openssl", "pkey", "-in", "device.key", "-pubout")
    assert shell.run(tmp_path, "openssl", "x509", "-in", "leaf.pem", "-noout", "-pubkey") == own
    alice.person.leave()
    bob.person.leave()


def hand_in(alice: Typist, file: Path) -> list[str]:
    """Gives the four words on alice's page."""
    alice.press("link", "My requests")
    alice.press("link", "Hand in a request")
    alice.type("The certification request", file.read_text())
    alice.person.sees("A good request: P-256")
    alice.to("radio", "Phone or browser")
    alice.page.keyboard.press("Space")
    alice.type("What do you call the device?", "typed by alice")
    alice.press("button", "Send the request")
    expect(alice.page.get_by_role("heading", name="typed by alice")).to_be_visible()
    return asking.words_shown(alice.person)


def approve(bob: Typist, words: list[str]) -> None:
    bob.press("link", "Queue")
    bob.press("link", "typed by alice")
    expect(bob.page.get_by_role("heading", name="Approve", exact=True)).to_be_visible()
    assert asking.words_shown(bob.person) == words
    bob.type("Code", bob.person.app.code())
    bob.press("button", "Approve and issue")
    bob.person.sees("Approved and issued")
