"""`make pictures`: the pictures of README and docs, taken from a demo household that really runs."""

import tempfile
from pathlib import Path

import django
from django.conf import settings
from playwright.sync_api import expect

from tests.browser import asking
from tests.browser.cast import Cast, cast
from tests.browser.people import Person

PICTURES: Path = settings.BASE_DIR / "docs" / "pictures"
LARGEST = 150_000  # bytes: a README loads on a phone too
DESK, PHONE = {"width": 1100, "height": 880}, {"width": 360, "height": 640}
PREVIEW = {"width": 800, "height": 655}


def take(person: Person, name: str, *, width: int, height: int) -> None:
    """What is at the top of the window, as docs/pictures/<name>.png."""
    person.page.set_viewport_size({"width": width, "height": height})
    person.page.mouse.move(0, 0)
    person.page.evaluate("document.activeElement.blur()")
    path = PICTURES / f"{name}.png"
    fine = width < 640  # twice as sharp; on a desk that would be too large
    person.page.screenshot(path=path, animations="disabled", scale="device" if fine else "css")
    assert path.stat().st_size < LARGEST, f"{path} is too large"


def requester(here: Cast, folder: Path) -> None:
    alice = here.people["alice"]
    alice.go("My requests")
    alice.follow("Alice's new phone")
    take(alice, "request-phone", **PHONE)
    asking.open_form(alice, "Web server")
    asking.choose(alice, asking.make_request(alice, folder, "Web server"))
    expect(alice.page.locator("#preview .words")).to_be_visible()
    alice.page.get_by_label("What do you call the device?").fill("NAS in the hall")
    alice.page.set_viewport_size(PREVIEW)
    alice.page.evaluate("document.getElementById('preview').scrollIntoView()")
    take(alice, "submit", **PREVIEW)


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


def main() -> None:
    django.setup()
    with (
        tempfile.TemporaryDirectory(prefix="latchkey-pictures-") as folder,
        cast(Path(folder), scale=2) as here,
    ):
        requester(here, Path(folder) / "asking")
        officers(here)
        stranger(here)


if __name__ == "__main__":
    main()
