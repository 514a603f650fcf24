"""A phone, as far as a Linux machine has one: Chromium in its size, with its fingers and its User-Agent.

Whoever holds it reads pages and taps on what is written there. There is no way to type an address: one comes
in by the camera, and from there on by what the pages link to.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser import shell
from tests.browser.cast import NAMES
from tests.browser.managed import program
from tests.browser.people import PATIENCE, App
from tests.paper import codes_in
from tests.pictures import SWITCHES, driver

ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/148.0.0.0 Mobile Safari/537.36"
)
EVERY_PORT = "https://portal.home.arpa:*"  # portal, check face and door
SIZE = {"width": 360, "height": 740}
WORDS = "a:text-is({0}), button:text-is({0}), summary:text-is({0})"


class Phone:
    """`folder` is new; `root` (PEM) is trusted already; `origin`, a pattern, sees the certificate unasked;
    `language` is what the browser asks pages for."""

    app: App

    def __init__(self, folder: Path, root: Path, origin: str, language: str = "en-GB") -> None:
        folder.mkdir()
        self._language = language
        self._folder = folder
        self._home = shell.trust(folder / "home", root)
        self._program = program(folder / "managed", origin)
        self.saved = folder / "Downloads"
        self.saved.mkdir()
        self._context: BrowserContext | None = None
        self.page: Page
        self.open()

    def open(self) -> None:
        """With the page that was there when it was put away, as phones do it."""
        with driver() as playwright:
            context = playwright.chromium.launch_persistent_context(
                self._folder / "profile",
                executable_path=self._program,
                args=[*SWITCHES, NAMES],
                env={"HOME": str(self._home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
                viewport=SIZE,
                device_scale_factor=2,
                user_agent=ANDROID,
                is_mobile=True,
                has_touch=True,
                locale=self._language,
            )
        context.set_default_timeout(PATIENCE)
        last = self.page.url if self._context else ""
        self._context, self.page = context, context.pages[0]
        if last:
            self.page.goto(last)

    def close(self) -> None:
        if self._context:
            self._context.close()

    def scan(self, screen: bytes) -> None:
        """Point the camera at somebody's screen (PNG), and tap on the address of the code that is there."""
        picture = self._folder / "camera.png"
        picture.write_bytes(screen)
        (address,) = codes_in(picture)
        self.page.goto(address)

    def tap(self, words: str) -> None:
        """The link, button or fold that says just this. It has to be there for the eye, and only once."""
        found = self._that_says(words)
        found.scroll_into_view_if_needed()
        found.tap()

    def press(self, name: str) -> None:
        """A button that says more than its name, such as a door."""
        self.page.get_by_role("button", name=re.compile(f"^{name}")).tap()

    @contextmanager
    def beside(self, words: str) -> Iterator[None]:
        """Tap on a link that opens a window of its own; it is closed at the end."""
        first = self.page
        with first.context.expect_page() as opened:
            self.tap(words)
        self.page = opened.value
        yield
        self.page.close()
        self.page = first

    def _that_says(self, words: str) -> Locator:
        quoted = '"' + words + '"'
        return self.page.locator(WORDS.format(quoted)).filter(visible=True)

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def reads(self, text: str) -> None:
        """Sooner or later, without doing anything for it."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=PATIENCE)

    def hand_to_app(self, words: str) -> None:
        """The link that an authenticator app on this phone takes."""
        link = self._that_says(words).get_attribute("href") or ""
        self.app = App(parse_qs(urlsplit(link).query)["secret"][0])

    def download(self, words: str) -> Path:
        with self.page.expect_download() as waiting:
            self.tap(words)
        path = self.saved / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def install(self, p12: Path, password: str) -> None:
        """In place of Android's installer: Chromium on Linux takes its certificates from this store."""
        store = f"sql:{self._home / '.pki' / 'nssdb'}"
        shell.run(self._folder, "pk12util", "-d", store, "-i", p12, "-W", password, "-K", "")
