"""From the invitation on somebody's screen to the open door, by what the pages say: the walk of one person.

Told in stops, for whoever looks: a test (test_walk.py), and the pictures of the docs (docs_pictures.py).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.browser import asking
from tests.browser.cast import Cast
from tests.browser.people import PASSWORD, Person
from tests.browser.phone import Phone
from tests.door.broker import Visitor

NAME, USERNAME, DEVICE, PIN = "Mia Sommer", "mia", "phone", "472913"
OPEN, STATE = "latchkey/front-door/open", "latchkey/front-door/state"
Stops = Iterator[str]


@dataclass(frozen=True)
class Walk:
    """`dora` invites, `bob` approves; `home` answers as the lock does."""

    here: Cast
    phone: Phone
    home: Visitor

    @property
    def dora(self) -> Person:
        return self.here.people["dora"]

    @property
    def door(self) -> str:
        """Its address, as pages show it."""
        told = json.loads((self.here.running.data / "credentials.json").read_text())
        return str(told["door"])

    @property
    def bob(self) -> Person:
        return self.here.people["bob"]

    def stops(self) -> Stops:
        """The names of what is on the phone's screen, one after the other."""
        self.phone.scan(self.invited())
        yield from self.joins()
        yield from self.asks()
        words = self.phone.page.locator("ol.words li").all_inner_texts()
        self.phone.close()
        self.is_approved(words)
        self.phone.open()
        yield from self.finishes()
        yield from self.checks()
        yield from self.opens()
        yield from self.is_seen()

    def invited(self) -> bytes:
        """dora's screen, with the code."""
        self.dora.invite(NAME, "Requester")
        return self.dora.page.screenshot()

    def joins(self) -> Stops:
        phone = self.phone
        phone.reads("Dora Winter invited you")
        yield "invited"
        phone.fill("User name", USERNAME)
        phone.fill("Password", PASSWORD)
        phone.tap("Continue to the app")
        phone.hand_to_app("Open it in the app on this device")
        yield "app"
        phone.fill("Code from the app", phone.app.code())
        phone.tap("Confirm the app")
        phone.reads("Keep these recovery codes")
        phone.tap("I have kept them")
        phone.reads(f"Hello, {NAME}")
        yield "home"

    def asks(self) -> Stops:
        phone = self.phone
        phone.tap("Put a certificate on this device")
        phone.reads("This is an Android device")
        yield "ask"
        phone.tap("Make the key and ask")
        phone.reads("The key waits in this browser")
        yield "waiting"

    def is_approved(self, words: list[str]) -> None:
        """mia calls bob and reads the four words to him; dora says which door is hers."""
        asking.review(self.bob, DEVICE)
        assert asking.words_shown(self.bob) == words
        self.bob.press("Approve and issue")
        self.bob.sees("Approved and issued")
        self.dora.go("Doors")
        self.dora.follow("Front door")
        self.dora.follow("Add a rule")
        self.dora.page.get_by_label("Who").select_option(label=f"{NAME} ({USERNAME})")
        self.dora.press("Add this rule")
        self.dora.sees(NAME)

    def finishes(self) -> Stops:
        phone = self.phone
        phone.reads("The key is in this browser")
        yield "approved"
        phone.tap("Finish on this device")
        phone.reads("The key is here")
        phone.tap("Make the file")
        phone.reads("1. The password")
        yield "file"
        password = phone.page.locator("#password").inner_text()
        phone.install(phone.download(f"Download {USERNAME}s-{DEVICE}.p12"), password)

    def checks(self) -> Stops:
        """In a window beside; then the key is deleted in the first one."""
        phone = self.phone
        with phone.beside("See whether it works"):
            phone.reads("Everything is fine")
            yield "check"
        phone.tap("It is installed: delete the key here")
        phone.reads("The key was deleted from this browser")
        yield "installed"

    def opens(self) -> Stops:
        phone = self.phone
        phone.tap("To the door")
        phone.reads("You have no PIN for these doors yet.")
        yield "no-pin"
        phone.tap("Set your PIN in the portal")
        phone.fill("New PIN", PIN)
        phone.fill("The same again", PIN)
        phone.tap("Set the PIN")
        phone.reads("Your PIN is set")
        yield "pin-set"
        phone.tap(self.door)
        phone.fill("PIN", PIN)
        yield "door"
        phone.press("Front door")
        nonce = json.loads(self.home.next().payload)["nonce"]
        self.home.says(STATE, json.dumps({"nonce": nonce, "state": "opened"}))
        phone.reads("Opened")
        yield "opened"

    def is_seen(self) -> Stops:
        """She finds the way back to the portal; bob sees the same tick."""
        phone = self.phone
        phone.tap("Help")
        phone.tap("To the portal")
        phone.tap(DEVICE)
        phone.reads("Seen on this device")
        yield "seen"
        asking.look_again(self.bob, DEVICE)
        self.bob.sees("Seen on this device")
