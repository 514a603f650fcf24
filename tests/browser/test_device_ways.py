"""The other ways: where no key can be kept, what goes wrong, the phone by a QR code, and profiles."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from playwright.sync_api import Page, expect

from tests.browser import asking, shell
from tests.browser.cast import Cast, cast
from tests.browser.people import grow_old
from tests.browser.watching import Watched, forgets_key, look
from tests.pictures import picture

pytestmark = pytest.mark.slow
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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast(tmp_path_factory.mktemp("device")) as found:
        yield found


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
    forgets_key(hers)  # what came to nothing is forgotten


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


def test_a_browser_without_the_key_says_so_and_why_that_may_be(home: Cast, hers: Page) -> None:
    """Another browser, and this one after its website data were deleted."""
    address = asked(home, hers, "wall clock")
    asking.approve(home.people["dora"], "wall clock")
    other = home.browser.new_context()
    other.add_cookies(hers.context.cookies())
    elsewhere = other.new_page()
    elsewhere.goto(f"{address}/finish")
    says_gone(elsewhere)
    other.close()
    hers.goto(f"{address}/finish")
    expect(hers.get_by_role("button", name="Make the file")).to_be_visible()
    hers.evaluate("indexedDB.deleteDatabase('latchkey')")
    hers.goto(f"{address}/finish")
    says_gone(hers)
    look(hers, "gone")
    hers.get_by_role("link", name="Ask anew on this device").click()
    expect(hers.get_by_role("heading", name="Put a certificate on this device")).to_be_visible()


def says_gone(page: Page) -> None:
    expect(page.get_by_text("The key of this request is not in this browser.")).to_be_visible()
    for reason in ("Another browser or device?", "A private window?", "Website data deleted"):
        expect(page.get_by_text(reason)).to_be_visible()
    expect(page.get_by_role("button", name="Make the file")).to_be_hidden()


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
    page.get_by_role("button", name="Sign in", exact=True).click()
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
    grow_old(home.running)
    hers.get_by_role("link", name="Download the profile").click()
    expect(hers.get_by_text("Whoever installs it first")).to_be_visible()
    look(hers, "profile-code")
    hers.get_by_label("Code").fill(home.people["alice"].app.code())
    with hers.expect_download() as waiting:
        hers.get_by_role("button", name="Download the profile").click()
    assert waiting.value.suggested_filename == "alices-slate.mobileconfig"
    assert b"com.apple.security.scep" in waiting.value.path().read_bytes()
    hers.get_by_role("link", name="Back to the request").click()
    with hers.expect_download():  # the code still counts
        hers.get_by_role("link", name="Download the profile").click()
