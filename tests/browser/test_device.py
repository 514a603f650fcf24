"""From the button to the open door on a phone-sized Chromium, and nothing secret on the way to the portal."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import asking, shell
from tests.browser.cast import NAMES, Cast, cast
from tests.browser.people import PATIENCE
from tests.browser.reading import read_by_everyone
from tests.browser.watching import KEY, Watched, look
from tests.js.test_import import opened_by_chromium
from tests.pictures import SWITCHES, VIEWPORTS, chromium_path, driver, picture

pytestmark = pytest.mark.slow
DEVICE = "kitchen tablet"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast(tmp_path_factory.mktemp("device")) as found:
        yield found


def phone(home: Cast, profile: Path) -> BrowserContext:
    """A browser with a folder, so that it can be closed and opened again."""
    with driver() as playwright:
        width, height = VIEWPORTS["phone"]
        return playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium_path(),
            args=[*SWITCHES, NAMES],
            viewport={"width": width, "height": height},
            device_scale_factor=2,
            env={"HOME": str(home.running.data.parent / "home"), "PATH": "/usr/bin:/bin"},
        )


def enter(home: Cast, context: BrowserContext) -> Page:
    """alice, signed in on the phone."""
    page = context.pages[0]
    context.set_default_timeout(PATIENCE)
    page.goto(f"{home.portal}/login")
    if not page.url.endswith("/login"):  # the session outlived the window
        return page
    alice = home.people["alice"]
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill(alice.password)
    page.get_by_label("Code").fill(alice.app.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    return page


def test_from_the_button_to_the_open_door(home: Cast, tmp_path: Path) -> None:
    watched = Watched()
    address, words, secret = asks(home, watched, tmp_path / "phone")
    officer = home.people["dora"]
    asking.review(officer, DEVICE)
    assert asking.words_shown(officer) == words and len(words) == 4
    picture(officer.page, "device-3-officer")
    officer.press("Approve and issue")
    officer.sees("Approved and issued")
    made = finishes(home, watched, tmp_path, address)
    for path, password in made:
        read_by_everyone(home, urlsplit(address).path, path, password)
        private = private_number(path, password)
        assert private in secret  # it is the same key
        for one in (secret, private, path.read_bytes(), path.read_bytes()[100:400], password.encode()):
            assert not watched.holds(one)
    assert watched.holds(b"CERTIFICATE REQUEST")  # the watching works
    assert not watched.complaints
    assert "Front door" in open_door(home, tmp_path / "door", *made[0])


def asks(home: Cast, watched: Watched, profile: Path) -> tuple[str, list[str], bytes]:
    """The address of the request, the words, and the key as it lies in the browser, which is closed then."""
    context = phone(home, profile)
    watched.follow(context)
    page = enter(home, context)
    page.get_by_role("link", name="Put a certificate on this device").click()
    expect(page.get_by_text("Linux with Chrome or Chromium").first).to_be_visible()
    look(page, "1-ask")
    page.get_by_label("What do you call this device?").fill(DEVICE)
    page.get_by_role("button", name="Make the key and ask").click()
    expect(page.get_by_text("The key waits in this browser.")).to_be_visible()
    look(page, "2-waiting")
    words = page.locator("ol.words li").all_inner_texts()
    found = page.url, words, bytes.fromhex(page.evaluate(KEY))
    context.close()  # the phone is put away
    return found


def finishes(home: Cast, watched: Watched, folder: Path, address: str) -> list[tuple[Path, str]]:
    """Both forms of the file, each with the password that the page shows; then the key is deleted."""
    context = phone(home, folder / "phone")
    watched.follow(context)
    page = enter(home, context)
    page.goto(address)
    look(page, "4-approved")
    page.get_by_role("link", name="Finish on this device").click()
    expect(page.get_by_role("button", name="Make the file")).to_be_visible()
    look(page, "5-finish")
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("heading", name="1. The password")).to_be_visible()
    look(page, "6-file")
    made = [saved(page, folder / "1.p12")]
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the password").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == made[0][1]
    before = page.locator("#save").get_attribute("href")
    page.get_by_role("button", name="Make the other form of file").click()
    expect(page.locator("#save")).not_to_have_attribute("href", before or "")
    made.append(saved(page, folder / "2.p12"))
    assert made[0][1] == made[1][1] and made[0][0].read_bytes() != made[1][0].read_bytes()
    forgets(page, address)
    context.close()
    return made


def forgets(page: Page, address: str) -> None:
    assert page.evaluate(KEY)
    page.get_by_role("button", name="It is installed: delete the key here").click()
    expect(page.get_by_text("The key was deleted from this browser.")).to_be_visible()
    look(page, "7-done")
    assert page.evaluate(KEY) == ""
    page.goto(address)
    expect(page.get_by_text("The key of this request is not in this browser.")).to_be_visible()
    look(page, "8-gone")


def saved(page: Page, path: Path) -> tuple[Path, str]:
    """The downloaded file and the password beside it."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download ").click()
    waiting.value.save_as(path)
    assert waiting.value.suggested_filename == "alices-kitchen-tablet.p12"
    return path, page.locator("#password").inner_text()


def private_number(path: Path, password: str) -> bytes:
    """The private key's 32 octets, as OpenSSL finds them in the file."""
    command = ["openssl", "pkcs12", "-in", path, "-nocerts", "-noenc", "-passin", f"pass:{password}"]
    pem = subprocess.run(command, check=True, capture_output=True).stdout
    told = subprocess.run(["openssl", "pkey", "-noout", "-text"], input=pem, check=True, capture_output=True)
    lines = told.stdout.decode().split("priv:")[1].split("pub:")[0]
    return bytes.fromhex("".join(lines.split()).replace(":", ""))[-32:]


def open_door(home: Cast, folder: Path, path: Path, password: str) -> str:
    """Another Chromium, with the file imported, sees alice's doors."""
    folder.mkdir()
    shell.trust(folder, home.running.data / "public" / "ca" / "servers-root.pem")
    shell.run(folder, "pk12util", "-d", f"sql:{folder}/.pki/nssdb", "-i", path, "-W", password)
    text: str = opened_by_chromium(folder, f"https://localhost:{home.running.door_address[1]}/")
    return text
