"""From the button to the open door on a phone-sized Chromium, and nothing secret on the way to the portal."""

import base64
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser import asking, shell
from tests.browser.cast import NAMES, Cast, cast
from tests.browser.people import PATIENCE
from tests.js.readers import Made, nss, openssl
from tests.js.test_import import opened_by_chromium
from tests.pictures import SWITCHES, VIEWPORTS, chromium_path, driver, faults_of, overflow, picture

pytestmark = pytest.mark.slow
DEVICE = "kitchen tablet"
# The key as it lies in the browser, in PKCS#8: read by the test the way that the page reads it.
KEY = """async () => {
  const { get } = await import("/static/js/store.js");
  const id = document.querySelector("[data-key]").dataset.key;
  const kept = await get(id);
  if (!kept) return "";
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", kept.key));
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");
}"""


@dataclass
class Watched:
    """Everything a browser sends: addresses, headers and bodies."""

    sent: list[bytes] = field(default_factory=list)

    def note(self, request: Request) -> None:
        heads = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        self.sent += [request.url.encode(), heads.encode(), request.post_data_buffer or b""]

    def holds(self, secret: bytes) -> bool:
        """In any of the ways in which it could be written, also within a form."""
        ways = {secret, secret.hex().encode(), base64.b64encode(secret)[:-4].rstrip(b"=")}
        ways |= {base64.urlsafe_b64encode(secret)[:-4].rstrip(b"="), secret.hex().upper().encode()}
        sent = b"\n".join(self.sent)
        texts = (sent, unquote_to_bytes(sent.replace(b"+", b" ")), unquote_to_bytes(sent))
        flat = [text.replace(b"\n", b"").replace(b"\r", b"") for text in texts]
        return any(way in text for way in ways for text in (*texts, *flat))


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
    page.get_by_role("button", name="Sign in").click()
    return page


def look(page: Page, name: str) -> None:
    """A picture, and nothing wrong with how it looks."""
    picture(page, f"device-{name}")
    assert faults_of(page) == [], name
    assert overflow(page) <= 0


def test_from_the_button_to_the_open_door(home: Cast, tmp_path: Path) -> None:
    watched = Watched()
    context = phone(home, tmp_path / "phone")
    context.on("request", watched.note)
    page = enter(home, context)
    page.get_by_role("link", name="Put a certificate on this device").click()
    expect(page.get_by_text("Linux with Chrome or Chromium").first).to_be_visible()
    look(page, "1-ask")
    page.get_by_label("What do you call this device?").fill(DEVICE)
    page.get_by_role("button", name="Make the key and ask").click()
    expect(page.get_by_text("The key waits in this browser.")).to_be_visible()
    look(page, "2-waiting")
    words = page.locator("ol.words li").all_inner_texts()
    secret = bytes.fromhex(page.evaluate(KEY))
    address = page.url
    context.close()  # the phone is put away

    officer = home.people["dora"]
    asking.review(officer, DEVICE)
    assert asking.words_shown(officer) == words and len(words) == 4
    picture(officer.page, "device-3-officer")
    officer.press("Approve and issue")
    officer.sees("Approved and issued")

    context = phone(home, tmp_path / "phone")
    context.on("request", watched.note)
    page = enter(home, context)
    page.goto(address)
    look(page, "4-approved")
    page.get_by_role("link", name="Finish on this device").click()
    expect(page.get_by_role("button", name="Make the file")).to_be_visible()
    look(page, "5-finish")
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("heading", name="1. The password")).to_be_visible()
    look(page, "6-file")
    made = [saved(page, tmp_path / f"{number}.p12") for number in (1,)]
    page.get_by_role("button", name="Make the other form of file").click()
    expect(page.get_by_role("heading", name="1. The password")).to_be_visible()
    made.append(saved(page, tmp_path / "2.p12"))
    assert made[0][1] == made[1][1] and made[0][0].read_bytes() != made[1][0].read_bytes()
    assert page.evaluate(KEY)
    page.get_by_role("button", name="It is installed: delete the key here").click()
    expect(page.get_by_text("The key was deleted from this browser.")).to_be_visible()
    look(page, "7-done")
    assert page.evaluate(KEY) == ""
    page.goto(address)
    expect(page.get_by_text("The key of this request is not in this browser.")).to_be_visible()
    look(page, "8-gone")
    context.close()

    for path, password in made:
        read = Made(path, password, f"alice's {DEVICE}", b"", ())
        openssl(read, password)
        nss(read, password)
        private = private_number(path, password)
        assert private in secret  # it is the same key
        for one in (secret, private, path.read_bytes(), path.read_bytes()[100:400], password.encode()):
            assert not watched.holds(one)
    assert watched.holds(b"CERTIFICATE REQUEST")  # the watching works
    assert "Front door" in open_door(home, tmp_path / "door", *made[0])


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


# What a browser without a place for the key does, and which reason the page has to give.
REFUSING = "IDBObjectStore.prototype.put = () => {{ throw new DOMException('refused', '{}'); }};"
LACKS = "Object.defineProperty(window, '{}', {{ get: () => undefined }});"
REASONS = {
    "private": REFUSING.format("DataCloneError"),
    "lockdown": REFUSING.format("DataCloneError") + LACKS.format("WebAssembly"),
    "full": REFUSING.format("QuotaExceededError"),
    "blocked": LACKS.format("indexedDB"),
    "insecure": "Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined });",
    "forgets": "StorageManager.prototype.getDirectory = () => Promise.reject(new Error('no'));",
}


@pytest.fixture
def hers(home: Cast) -> Iterator[Page]:
    """A page of alice's in a window that is small as a phone, away from the button."""
    page = home.people["alice"].page.context.new_page()
    page.set_viewport_size({"width": 360, "height": 740})
    yield page
    page.close()


@pytest.mark.parametrize("why", REASONS)
def test_the_page_says_why_no_key_can_be_kept_and_sends_nothing(home: Cast, hers: Page, why: str) -> None:
    watched = Watched()
    hers.on("request", watched.note)
    hers.add_init_script(REASONS[why])
    hers.goto(f"{home.portal}/device?as=android")
    expect(hers.locator(f"[data-why={why}]")).to_be_visible()
    assert hers.locator("[data-why]:visible").count() == 1
    expect(hers.get_by_role("button", name="Make the key and ask")).to_be_disabled()
    assert not watched.holds(b"CERTIFICATE REQUEST")
    look(hers, f"why-{why}")


def test_a_forgotten_name_is_mended_without_a_second_key(home: Cast, hers: Page) -> None:
    hers.goto(f"{home.portal}/device?as=android")
    hers.get_by_label("What do you call this device?").fill("")
    hers.get_by_role("button", name="Make the key and ask").click()
    expect(hers.get_by_text("This needs another look")).to_be_visible()
    look(hers, "mend")
    sent = hers.locator("[name=csr]").input_value()
    hers.get_by_label("What do you call this device?").fill("old reader")
    with hers.expect_request("**/device/start") as posted:
        hers.get_by_role("button", name="Make the key and ask").click()
    assert "".join(sent.split())[40:90] in unquote_to_bytes(posted.value.post_data or "").decode().replace(
        "\r\n", ""
    ).replace("\n", "")
    expect(hers.get_by_text("The key waits in this browser.")).to_be_visible()
    hers.get_by_role("button", name="Withdraw this request").click()
    expect(hers.locator("[data-over]")).to_be_attached()
    hers.wait_for_function(f"async () => await ({KEY})() === ''")  # what came to nothing is forgotten


def test_a_certificate_for_another_key_is_not_taken(home: Cast, hers: Page) -> None:
    """Whatever the portal answers: the page looks whether it is for the key that it has."""
    address = asked(home, hers, "borrowed")
    asking.approve(home.people["dora"], "borrowed")
    hers.goto(f"{address}/finish")
    hers.route("**/certificate.p7b", lambda route: route.fulfill(status=401, body="x"))
    hers.get_by_role("button", name="Make the file").click()
    expect(hers.get_by_text("You were signed out meanwhile.")).to_be_visible()
    hers.unroute("**/certificate.p7b")
    hers.goto(f"{address}/finish")
    stranger = (Path(home.running.data) / "public" / "ca" / "clients-root.cer").read_bytes()
    wrong = certs_only(home, stranger)
    hers.route("**/certificate.p7b", lambda route: route.fulfill(body=wrong))
    hers.get_by_role("button", name="Make the file").click()
    expect(hers.get_by_text("The certificate is not for the key in this browser.")).to_be_visible()
    look(hers, "other-key")


def asked(home: Cast, page: Page, device: str, *, rsa: bool = False) -> str:
    """The address of the new request's page."""
    page.goto(f"{home.portal}/device?as=android")
    page.get_by_label("What do you call this device?").fill(device)
    if rsa:
        page.locator("summary", has_text="For an old device").click()
        page.get_by_role("checkbox", name="Make an RSA key").check()
    page.get_by_role("button", name="Make the key and ask").click()
    expect(page.get_by_text("The key waits in this browser.")).to_be_visible()
    return page.url


def certs_only(home: Cast, der: bytes) -> bytes:
    """These certificates alone as certs-only PKCS#7."""
    folder = home.running.data.parent
    (folder / "one.cer").write_bytes(der)
    shell.run(folder, "openssl", "x509", "-inform", "DER", "-in", "one.cer", "-out", "one.pem")
    made = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", "one.pem", "-outform", "DER", "-out", "one.p7b"]
    shell.run(folder, *made)
    return (folder / "one.p7b").read_bytes()


def test_an_old_device_gets_an_rsa_key(home: Cast, hers: Page) -> None:
    asked(home, hers, "old phone", rsa=True)
    asking.review(home.people["dora"], "old phone")
    expect(home.people["dora"].page.get_by_text("RSA 2048").first).to_be_visible()


def test_an_ipad_that_says_it_is_a_mac_is_known_by_its_fingers(home: Cast) -> None:
    safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1"
    alice = home.people["alice"].page.context
    with_fingers = home.browser.new_context(user_agent=safari)
    with_fingers.add_cookies(alice.cookies())
    with_fingers.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'maxTouchPoints', { get: () => 5 })"
    )
    page = with_fingers.new_page()
    page.goto(f"{home.portal}/device")
    page.wait_for_url(re.compile(r"/device\?as=ipad$"))
    look(page, "ipad")
    with_fingers.close()


def test_the_code_on_the_computer_leads_to_the_same_place_on_the_phone(home: Cast, hers: Page) -> None:
    hers.goto(f"{home.portal}/device")
    hers.get_by_label("What do you call this device?").fill("Alice's new pocket phone")
    hers.get_by_role("button", name="Go on with the phone (QR code)").click()
    expect(hers.get_by_role("img", name="QR code of the address below")).to_be_visible()
    look(hers, "code")
    link = hers.locator("code.fingerprint").inner_text()
    phone = home.browser.new_context()
    page = phone.new_page()
    page.goto(link)
    alice = home.people["alice"]
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill(alice.password)
    page.get_by_label("Code").fill(alice.app.code())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("What do you call this device?")).to_have_value("Alice's new pocket phone")
    page.goto(link)
    expect(page.get_by_role("heading", name="This cannot be used")).to_be_visible()
    look(page, "code-used")
    phone.close()


def test_without_javascript_the_page_says_what_needs_it_and_the_other_way(home: Cast) -> None:
    context = home.browser.new_context(java_script_enabled=False)
    context.add_cookies(home.people["alice"].page.context.cookies())
    page = context.new_page()
    page.goto(f"{home.portal}/device")
    page.get_by_role("button", name="Make the key and ask").click()
    expect(page.get_by_text("No key arrived").first).to_be_visible()
    page.get_by_role("link", name="Use a profile instead").click()
    page.get_by_label("What do you call this device?").fill("pad without scripts")
    page.get_by_role("button", name="Ask for this device").click()
    expect(page.get_by_role("heading", name="pad without scripts")).to_be_visible()
    context.close()


def test_a_profile_is_offered_when_the_device_is_approved(home: Cast, hers: Page) -> None:
    hers.goto(f"{home.portal}/device?as=iphone")
    look(hers, "profile-ask")
    hers.get_by_label("What do you call this device?").fill("slate")
    hers.get_by_role("button", name="Ask for this device").click()
    expect(hers.get_by_text("You install a profile").first).to_be_visible()
    address = hers.url
    officer = home.people["dora"]
    asking.review(officer, "slate")
    picture(officer.page, "device-profile-review")
    officer.press("Approve this device")
    officer.sees("Approved, waiting for the device")
    hers.goto(address)
    look(hers, "profile-approved")
    with hers.expect_download() as waiting:
        hers.get_by_role("link", name="Download the profile").click()
    assert waiting.value.suggested_filename == "alices-slate.mobileconfig"
    assert b"com.apple.security.scep" in waiting.value.path().read_bytes()
