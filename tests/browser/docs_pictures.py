"""`make pictures`: the pictures of README and docs, taken from a demo household that really runs."""

import json
import tempfile
from pathlib import Path

import django
from django.conf import settings
from PIL import Image
from playwright.sync_api import expect

from tests.browser import asking
from tests.browser.cast import Cast, cast
from tests.browser.evening import Evening
from tests.browser.managed import holding
from tests.browser.people import Person
from tests.browser.phone import EVERY_PORT, Phone
from tests.browser.walking import Walk
from tests.door.broker import Visitor, visitor
from tests.door.broker import running as mosquitto
from tests.pictures import driver
from tests.portal.running import up

PICTURES: Path = settings.BASE_DIR / "docs" / "pictures"
LARGEST = 100_000  # bytes: a README loads on a phone too
COLOURS = 128  # are all that pages of ours and their letters' edges need
DESK, PHONE = {"width": 1100, "height": 880}, {"width": 360, "height": 640}
# Of the walk: what docs/this-device.md shows.
SHOWN = ("invited", "app", "home", "ask", "waiting", "approved", "file", "check", "door", "opened", "seen")
# Of the first evening: what docs/first-evening.md shows.
EVENING = ("home", "officer", "everything-is-there")
PREVIEW = {"width": 800, "height": 655}


def take(person: Person | Phone, name: str, *, width: int, height: int) -> None:
    """What is at the top of the window, as docs/pictures/<name>.png."""
    person.page.set_viewport_size({"width": width, "height": height})
    person.page.mouse.move(0, 0)
    person.page.evaluate("document.activeElement.blur()")
    path = PICTURES / f"{name}.png"
    fine = width < 640  # twice as sharp; on a desk that would be too large
    person.page.screenshot(path=path, animations="disabled", scale="device" if fine else "css")
    Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < LARGEST, f"{path} is too large"


def requester(here: Cast, folder: Path) -> None:
    alice = here.people["alice"]
    asking.open_form(alice, "Web server")
    asking.choose(alice, asking.make_request(alice, folder, "Web server"))
    expect(alice.page.locator("#preview .words")).to_be_visible()
    alice.page.get_by_label("What do you call the device?").fill("NAS in the hall")
    alice.page.set_viewport_size(PREVIEW)
    alice.page.evaluate("document.getElementById('preview').scrollIntoView()")
    take(alice, "submit", **PREVIEW)


def walk(here: Cast, home: Visitor, folder: Path) -> None:
    """Somebody's first evening on a phone."""
    root = here.running.data / "public" / "ca" / "servers-root.pem"
    walked = Walk(here, Phone(folder, root, EVERY_PORT), home)
    for name in walked.stops():
        if name in SHOWN:
            take(walked.phone, f"walk-{name}", width=PHONE["width"], height=740)
    walked.phone.close()


def evening(folder: Path) -> None:
    """A household from its setup link on, in a data folder of its own."""
    folder.mkdir()
    with up(folder / "data") as running, driver():
        root = running.data / "public" / "ca" / "servers-root.pem"
        phones = [Phone(folder / name, root, EVERY_PORT) for name in ("first", "second")]
        for name, phone in Evening(running, *phones, "en").stops():
            if name in EVENING:
                take(phone, f"evening-{name}", width=PHONE["width"], height=740)
        for phone in phones:
            phone.close()


def officers(here: Cast) -> None:
    bob = here.people["bob"]
    bob.go("Queue")
    take(bob, "queue", width=DESK["width"], height=520)
    dora = here.people["dora"]
    asking.review(dora, "Alice's new phone")
    take(dora, "review", **DESK)


def stranger(here: Cast) -> None:
    nobody = Person(here.browser, "Nobody", scale=2)
    nobody.page.goto(f"{here.portal}/login")
    take(nobody, "sign-in", **PHONE)


def at_the_door(here: Cast, home: Visitor, folder: Path) -> None:
    """Alice's phone, and a home that opens."""
    told = json.loads((here.running.data / "credentials.json").read_text())
    account = next(one for one in told["accounts"] if one["username"] == "alice")
    root, p12 = Path(told["root"]), Path(account["p12"])
    with holding(folder, told["door"], root, p12, account["p12_password"]) as browser:
        alice = Person(browser, "Alice Amsel", scale=2)
        alice.page.set_viewport_size(PHONE)
        home.says("latchkey/front-door/state", "locked", retain=True)
        alice.page.goto(told["door"])
        alice.page.get_by_label("PIN", exact=True).fill(account["pin"])
        take(alice, "door-phone", width=PHONE["width"], height=740)
        alice.page.get_by_role("button", name="Front door").click()
        nonce = json.loads(home.next().payload)["nonce"]
        home.says("latchkey/front-door/state", json.dumps({"nonce": nonce, "state": "opened"}))
        expect(alice.page.locator("#press h1")).to_have_text("Opened")
        take(alice, "door-opened-phone", width=PHONE["width"], height=740)


def main() -> None:
    django.setup()
    with (
        tempfile.TemporaryDirectory(prefix="latchkey-pictures-") as name,
        mosquitto(Path(name)) as broker,
        cast(Path(name), scale=2, LATCHKEY_MQTT_URL=f"mqtt://127.0.0.1:{broker.port}") as here,
        visitor(broker.port, "latchkey/front-door/open") as home,
    ):
        folder = Path(name)
        evening(folder / "evening")
        requester(here, folder / "asking")
        officers(here)
        stranger(here)
        walk(here, home, folder / "mias")
        at_the_door(here, home, folder / "alices")


if __name__ == "__main__":
    main()
