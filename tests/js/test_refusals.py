"""A page says why it cannot go on: no place for a key, a foreign certificate, a password of odd letters."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Error as PageError

from tests.js.browsers import BROWSERS, Step, chromium_window, firefox_window, webkit_window
from tests.js.household import Household
from tests.js.site import Site, running
from tests.pictures import chromium

pytestmark = pytest.mark.slow
HOUSE = Household()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture(scope="module")
def step(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Step]:
    with chromium_window(tmp_path_factory.mktemp("profile"), site.address) as step:
        yield step


def asked(step: Step, id: str) -> bytes:
    return bytes.fromhex(step("ask", id, "P-256", "x")["csr"])


def refused(step: Step, *given: object) -> str:
    with pytest.raises(PageError) as caught:
        step(*given)
    return str(caught.value)


def test_chain_is_sorted_from_the_leaf_to_the_root(step: Step) -> None:
    leaf = HOUSE.issue(asked(step, "a"), "Alice")
    root, own, issuing = HOUSE.chain(leaf)
    assert step("chain", "a", [root, own, issuing]) == [own, issuing, root]


def test_certificate_for_another_key_is_refused(step: Step) -> None:
    asked(step, "b")
    foreign = HOUSE.issue(asked(step, "c"), "Alice")
    assert "No certificate is for this key." in refused(step, "chain", "b", HOUSE.chain(foreign))
    assert "No certificate is for this key." in refused(step, "chain", "b", [])


def test_chain_with_a_gap_is_refused(step: Step) -> None:
    leaf = HOUSE.issue(asked(step, "d"), "Alice")
    root, own, issuing = HOUSE.chain(leaf)
    assert "An issuer is missing." in refused(step, "chain", "d", [own, root])
    assert "An issuer is missing." in refused(step, "chain", "d", [own])
    assert "An issuer is missing." in refused(step, "chain", "d", [issuing, own])


def test_issuers_that_vouch_for_each_other_are_refused(step: Step) -> None:
    leaf = HOUSE.issue(asked(step, "h"), "Alice")
    ring = [
        HOUSE.certificate(name, HOUSE.issuing_key.public_key(), issuer, HOUSE.issuing_key, ca=True)
        for name, issuer in (("Issuing", "Other"), ("Other", "Issuing"))
    ]
    given = [one.public_bytes(Encoding.DER).hex() for one in (leaf, *ring)]
    assert "An issuer is missing." in refused(step, "chain", "h", given)


def test_what_is_no_certificate_is_refused(step: Step) -> None:
    asked(step, "e")
    assert "Error" in refused(step, "chain", "e", ["3000"])
    assert "This is not DER." in refused(step, "chain", "e", ["3005"])


@pytest.mark.parametrize("password", ["", "pässword", "tab\there", "emoji 🔑"])
def test_password_that_readers_differ_about_is_refused(step: Step, password: str) -> None:
    assert "The password must be ASCII and not empty." in refused(step, "withPassword", password)


def test_key_under_one_request_is_not_seen_under_another(step: Step) -> None:
    asked(step, "f")
    assert step("kept", "f") and not step("kept", "g")
    step("remove", "f")
    assert not step("kept", "f")


@pytest.mark.parametrize("browser", BROWSERS)
def test_other_profile_has_no_key(site: Site, tmp_path: Path, browser: str) -> None:
    with BROWSERS[browser](tmp_path / "other", site.address) as step:
        assert not step("kept", "a")


def test_every_browser_can_keep_a_key(step: Step) -> None:
    assert step("whyNot") == ""


def test_firefox_in_a_private_window_forgets(site: Site, tmp_path: Path) -> None:
    private = {"browser.privatebrowsing.autostart": True}
    with firefox_window(tmp_path / "private", site.address, private) as step:
        assert step("whyNot") == "forgets"


def test_firefox_that_takes_no_cookies_keeps_nothing(site: Site, tmp_path: Path) -> None:
    with firefox_window(tmp_path / "blocked", site.address, {"network.cookie.cookieBehavior": 2}) as step:
        assert step("whyNot") == "blocked"


def test_webkit_in_a_private_window_keeps_a_key_until_it_is_closed(site: Site) -> None:
    with webkit_window(None, site.address) as step:
        assert step("whyNot") == ""
        asked(step, "a")
    with webkit_window(None, site.address) as step:
        assert not step("kept", "a")


def test_page_without_tls_cannot_make_a_key(site: Site) -> None:
    with chromium("--host-resolver-rules=MAP portal.home.arpa 127.0.0.1") as browser:
        page = browser.new_page()
        page.goto(site.address.replace("localhost", "portal.home.arpa"))
        page.wait_for_function("document.title === 'ready'")
        assert page.evaluate("window.steps.whyNot()") == "insecure"


@pytest.mark.parametrize(
    ("breakage", "reason"),
    [
        ("put DataCloneError", "private"),
        ("put DataCloneError, no WebAssembly", "lockdown"),
        ("put QuotaExceededError", "full"),
        ("put UnknownError", "blocked"),
        ("no indexedDB", "blocked"),
        ("no indexedDB, no WebAssembly", "lockdown"),
    ],
)
def test_the_reason_is_told(site: Site, tmp_path: Path, breakage: str, reason: str) -> None:
    """Apple's two modes are acted, as they cannot run here."""
    with chromium_window(tmp_path / "profile", site.address) as step:
        assert step("broken", breakage.split(", ")) == reason
