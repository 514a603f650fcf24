"""People with a browser and a TOTP app of their own, who know nothing but what the pages tell them."""

import base64
import re
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser, Page, expect

from tests.portal.running import Running, manage

PASSWORD = "vier zufällige Wörter hier"
STEP = 30  # seconds that a code is shown
PATIENCE = 15_000  # milliseconds for anything to appear
GROW_OLD = """
from django.contrib.sessions.models import Session
for row in Session.objects.all():
    row.session_data = Session.objects.encode(row.get_decoded() | {"fresh_at": 0})
    row.save()
"""


class App:
    """An authenticator app, fed with the key that is typed from the page."""

    def __init__(self, typed_key: str) -> None:
        secret = base64.b32decode(typed_key.replace(" ", ""))
        self._totp = TOTP(secret, 6, SHA1(), STEP, enforce_key_length=False)
        self._last = 0

    def code(self) -> str:
        """A code that was not used yet: of this step or, as from a clock that is a little ahead, the next."""
        now = int(time.time())
        self._last = max(now // STEP, self._last + 1)
        time.sleep(max(0, (self._last - 1) * STEP - now))  # the portal takes one step ahead, not two
        return self._totp.generate(self._last * STEP).decode()


class Person:
    """`page` is a window of a browser profile that nobody else uses."""

    app: App

    def __init__(
        self,
        browser: Browser,
        full_name: str,
        *,
        password: str = PASSWORD,
        javascript: bool = True,
        scale: int = 1,
    ) -> None:
        self.full_name, self.password = full_name, password
        self.username = full_name.split()[0].lower()
        self._context = browser.new_context(
            java_script_enabled=javascript, locale="en-GB", device_scale_factor=scale
        )
        self._context.set_default_timeout(PATIENCE)
        self.page: Page = self._context.new_page()

    def join(self, link: str) -> list[str]:
        """Everything from the link to the account; gives the recovery codes."""
        self.page.goto(link)
        self.page.get_by_label("Your name").fill(self.full_name)
        self.page.get_by_label("User name").fill(self.username)
        self.page.get_by_label("Password").fill(self.password)
        self.press("Continue to the app")
        self.unfold("I cannot scan it")
        self.app = App(self.page.locator("dt:text-is('Key') + dd").inner_text())
        self.page.get_by_label("Code from the app").fill(self.app.code())
        self.press("Confirm the app")
        expect(self.page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
        codes = self.page.locator("ul.codes li").all_inner_texts()
        self.press("I have kept them")
        return codes

    def sign_in(self, code: str = "") -> None:
        self.page.get_by_label("User name").fill(self.username)
        self.page.get_by_label("Password").fill(self.password)
        self.page.get_by_label("Code").fill(code or self.app.code())
        self.press("Sign in")

    def invite(self, full_name: str, *roles: str) -> str:
        """The link for somebody, with the roles ticked that the page shows under these words."""
        self.go("People")
        self.follow("Invite somebody")
        self.page.get_by_label("Whom is it for?").fill(full_name)
        for box in self.page.get_by_role("checkbox").all():
            box.set_checked(False)
        for role in roles:
            self.page.get_by_role("checkbox", name=re.compile(f"^{role}")).check()
        self.press("Make the link")
        expect(self.page.get_by_role("heading", name=f"The link for {full_name}")).to_be_visible()
        return self.page.locator("code.fingerprint").inner_text()

    def go(self, place: str) -> None:
        """By the navigation at the top."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=place).click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def unfold(self, name: str) -> None:
        self.page.locator("summary", has_text=name).click()

    def sees(self, text: str) -> None:
        """Sooner or later, without doing anything for it."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE)

    def save(self, name: str) -> tuple[str, bytes]:
        """Download by the link `name`: the file's name and content."""
        with self.page.expect_download() as waiting:
            self.follow(name)
        return waiting.value.suggested_filename, waiting.value.path().read_bytes()

    def leave(self) -> None:
        self._context.close()


def grow_old(running: Running) -> None:
    """As if everybody's last code had been more than five minutes ago."""
    done = manage("shell", "-c", GROW_OLD, env=running.env, seconds=120)
    assert done.returncode == 0, done.stderr
