"""A certificate near its end renews itself in the browser that has it: from the check face to the door."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import shell
from tests.browser.cast import NAMES
from tests.browser.managed import program
from tests.browser.watching import KEY, Watched, forgets_key, look
from tests.js.readers import Made, nss, openssl
from tests.pictures import SWITCHES, VIEWPORTS, driver
from tests.portal import aged
from tests.portal.door_clients import TLS_1_3, Crowd, client_context, visit
from tests.portal.door_hand import hand
from tests.portal.running import Running, up

pytestmark = pytest.mark.slow
EVERY_PORT = "https://portal.home.arpa:*"  # the browser shows its certificate to check face and door
DEVICE = "hall tablet"


@dataclass
class Tablet:
    """Somebody's Chromium, with a folder and a store for certificates, and the household it belongs to."""

    crowd: Crowd
    folder: Path
    old: Path  # key and certificate, PEM
    watched: Watched

    @property
    def running(self) -> Running:
        return self.crowd.running

    @property
    def check(self) -> str:
        return f"https://portal.home.arpa:{self.running.check_address[1]}"

    @property
    def store(self) -> str:
        return f"sql:{self.folder / 'home' / '.pki' / 'nssdb'}"

    def imports(self, p12: Path, password: str) -> None:
        shell.run(self.folder, "pk12util", "-d", self.store, "-i", p12, "-W", password, "-K", "")

    def opened(self, locale: str = "en-GB") -> tuple[BrowserContext, Page]:
        """Started anew: it asks again which certificate to show, and takes the first that it finds."""
        width, height = VIEWPORTS["phone"]
        with driver() as playwright:
            context = playwright.chromium.launch_persistent_context(
                self.folder / "profile",
                executable_path=self.folder / "managed" / "chromium",
                args=[*SWITCHES, NAMES],
                viewport={"width": width, "height": height},
                locale=locale,
                env={"HOME": str(self.folder / "home"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            )
        context.set_default_timeout(15_000)
        self.watched.follow(context)
        page = context.pages[0]
        page.goto(self.check)
        return context, page


@pytest.fixture(scope="module")
def tablet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tablet]:
    """The household of ten months ago issues the certificate; the one of today knows it."""
    folder = tmp_path_factory.mktemp("renewal")
    (folder / "clients").mkdir()
    with up(folder / "data", **aged.ago()) as past, hand(past.env | aged.ago()) as hands:
        old = Crowd(past, hands, folder / "clients").good(DEVICE)
    with up(folder / "data") as running, hand(running.env) as hands, driver():
        shell.trust(folder / "home", running.data / "public/ca/servers-root.pem")
        program(folder / "managed", EVERY_PORT)
        found = Tablet(Crowd(running, hands, folder / "clients"), folder, old, Watched())
        words = ("-in", old, "-out", "old.p12", "-passout", "pass:x", "-name", "old")
        shell.run(folder, "openssl", "pkcs12", "-export", *words)
        found.imports(folder / "old.p12", "x")
        yield found


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def test_from_the_old_certificate_to_the_new_one(tablet: Tablet) -> None:
    secret = begins(tablet)
    path, password = finishes(tablet)
    read = Made(path, password, f"alice's {DEVICE}", b"", ())
    openssl(read, password)
    nss(read, password)
    for one in (secret, path.read_bytes(), password.encode()):
        assert not tablet.watched.holds(one)
    assert tablet.watched.holds(b"CERTIFICATE REQUEST")  # the watching works
    door, trust = tablet.running.door_address, tablet.crowd.trust
    assert tablet.crowd.hand("tidy") == {"revoked": 0}  # not seen yet
    assert visit(door, tablet.old, trust).startswith(b"HTTP/1.1 200")
    is_seen(tablet, path, password)
    assert tablet.crowd.hand("tidy") == {"revoked": 1}
    assert visit(door, tablet.old, trust) == b""
    assert b"This certificate is revoked" in visit(tablet.running.check_address, tablet.old, trust)
    assert not tablet.watched.complaints


def begins(tablet: Tablet) -> bytes:
    """The key as it lies in the browser, which is closed then."""
    context, page = tablet.opened()
    heading(page, "Everything is fine")
    look(page, "renew-1-fine")
    page.get_by_role("link", name="Renew it on this device").click()
    heading(page, "Renew it on this device")
    look(page, "renew-2-begin")
    page.get_by_role("button", name="Make the key and renew").click()
    heading(page, "Install the new certificate")
    expect(page.get_by_role("button", name="Make the file")).to_be_visible()
    look(page, "renew-3-made")
    secret = bytes.fromhex(page.evaluate(KEY))
    context.close()
    return secret


def finishes(tablet: Tablet) -> tuple[Path, str]:
    """Opened again, it still has the key; gives the file and its password."""
    context, page = tablet.opened("de-AT")
    page.get_by_role("link", name="Mit der Erneuerung weitermachen").click()
    page.get_by_role("button", name="Datei machen").click()
    expect(page.get_by_role("heading", name="1. Das Passwort")).to_be_visible()
    look(page, "renew-4-file-de")
    with page.expect_download() as waiting:
        page.get_by_role("link", name=".p12 laden").click()
    path = tablet.folder / "new.p12"
    waiting.value.save_as(path)
    password = page.locator("#password").inner_text()
    context.close()
    return path, password


def is_seen(tablet: Tablet, path: Path, password: str) -> None:
    """The new one is installed and chosen: the face tells so, the browser forgets the key, the door opens."""
    shell.run(tablet.folder, "certutil", "-D", "-d", tablet.store, "-n", "old")
    tablet.imports(path, password)
    context, page = tablet.opened()
    heading(page, "Everything is fine")
    expect(page.get_by_text("It takes the place of the one")).to_be_visible()
    look(page, "renew-5-seen")
    forgets_key(page)
    page.get_by_role("link", name="To the door").click()
    page.wait_for_url(f"**:{tablet.running.door_address[1]}/**")
    heading(page, "Doors")
    context.close()


@pytest.mark.parametrize(("size", "own", "status"), [(1_000_000, True, 413), (10, False, 422)])
def test_a_megabyte_and_another_sites_form_get_a_page(
    tablet: Tablet, size: int, own: bool, status: int
) -> None:
    port = tablet.running.check_address[1]
    context = client_context(tablet.crowd.good(f"tablet {size}"), tablet.crowd.trust, TLS_1_3)
    connection = HTTPSConnection("localhost", port, context=context, timeout=10)
    origin = f"https://localhost:{port}" if own else "https://evil.example"
    more = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    more["Cookie"] = f"{settings.CHECK_CSRF_COOKIE}={'x' * 32}"
    with contextlib.closing(connection):
        connection.request("POST", "/renew", b"csr=" + b"x" * size, more)
        answer = connection.getresponse()
        assert answer.status == status
        assert b"<h1>" in answer.read()
    assert "Traceback" not in tablet.running.said
