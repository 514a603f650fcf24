"""The first evening of a household, from the link in the terminal to the first press, by what the pages say.

Two phones: whoever sets the household up, and the second officer. What is tapped is looked up in the
catalogue of the phone's language, so that the same walk is walked in each. Told in stops, as in walking.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.utils import translation

from tests.browser.conftest import setup_link
from tests.browser.people import PASSWORD
from tests.browser.phone import Phone
from tests.portal.running import Running

FIRST, SECOND, HOUSEHOLD = "Anna Huber", "Bernd Huber", "Huber"
Stops = Iterator[tuple[str, Phone]]


@dataclass
class Evening:
    """`running` has an empty data folder; `first` and `second` trust its root and speak `language`."""

    running: Running
    first: Phone
    second: Phone
    language: str
    words: list[str] = field(default_factory=list)  # of the first phone's key

    @property
    def door(self) -> str:
        return f"https://portal.home.arpa:{self.running.door_address[1]}"

    def says(self, text: str, **fields: object) -> str:
        """What the pages say for `text`, in this language."""
        with translation.override(self.language):
            return translation.gettext(text) % fields if fields else translation.gettext(text)

    def tap(self, phone: Phone, text: str, **fields: object) -> None:
        phone.tap(self.says(text, **fields))

    def reads(self, phone: Phone, text: str, **fields: object) -> None:
        phone.reads(self.says(text, **fields))

    def fill(self, phone: Phone, label: str, text: str) -> None:
        phone.fill(self.says(label), text)

    def goes_on(self, title: str) -> None:
        """The one coloured button, which leads to the step of that title."""
        self.tap(self.first, "Go on: %(title)s", title=self.says(title))

    def stops(self) -> Stops:
        """What is on whose screen, one after the other."""
        parts: tuple[Callable[[], Stops], ...] = (
            *(self.sets_up, self.looks_around, self.trusts, self.invites, self.second_joins),
            *(self.comes_to_the_phone, self.asks, self.approves, self.finishes, self.is_done, self.opens),
        )
        for part in parts:
            yield from part()

    def sets_up(self) -> Stops:
        """The link stands in the terminal, also as a code for the camera."""
        phone = self.first
        phone.page.goto(setup_link(self.running.said))
        self.reads(phone, "Set up your household")
        yield "set-up", phone
        self.fill(phone, "Your name", FIRST)
        self.fill(phone, "User name", "anna")
        self.fill(phone, "Password", PASSWORD)
        self.fill(phone, "Name of the household", HOUSEHOLD)
        yield from self._gets_an_app(phone)
        self.reads(phone, "Hello, %(user)s", user=FIRST)
        yield "home", phone

    def _gets_an_app(self, phone: Phone) -> Stops:
        self.tap(phone, "Continue to the app")
        phone.hand_to_app(self.says("Open it in the app on this device"))
        yield "app", phone
        self.fill(phone, "Code from the app", phone.app.code())
        self.tap(phone, "Confirm the app")
        self.reads(phone, "Keep these recovery codes")
        yield "recovery-codes", phone
        self.tap(phone, "I have kept them")

    def looks_around(self) -> Stops:
        phone = self.first
        self.tap(phone, "What this is about")
        self.reads(phone, "Three words you will meet")
        yield "evening", phone
        self.tap(phone, "Names on the network")
        self.reads(phone, "How phones find this machine")
        yield "names", phone

    def trusts(self) -> Stops:
        self.goes_on("No more warnings")
        self.reads(self.first, "3. Tell your system")
        yield "trust", self.first
        self.tap(self.first, "My browser does not warn any more")

    def invites(self) -> Stops:
        phone = self.first
        self.reads(phone, "Invite somebody you trust")
        yield "officer", phone
        self.fill(phone, "Who is the second officer?", SECOND)
        self.tap(phone, "Make the link")
        self.reads(phone, "The link for %(name)s", name=SECOND)
        yield "link", phone

    def second_joins(self) -> Stops:
        """By the camera, from the first one's screen."""
        phone = self.second
        phone.scan(self.first.page.locator(".qr").screenshot())
        self.reads(phone, "Welcome to %(name)s", name=HOUSEHOLD)
        yield "invited", phone
        self.fill(phone, "User name", "bernd")
        self.fill(phone, "Password", PASSWORD)
        for name, screen in self._gets_an_app(phone):
            yield f"second-{name}", screen
        self.reads(phone, "Hello, %(user)s", user=SECOND)
        yield "second-home", phone

    def comes_to_the_phone(self) -> Stops:
        phone = self.first
        self.tap(phone, "Done")
        self.reads(phone, "%(one)s and %(other)s are officers.", one=FIRST, other=SECOND)
        self.tap(phone, "The first door")
        self.reads(phone, "A practice door is there: you can press it, and nothing opens.")
        yield "first-door", phone
        self.goes_on("The first phone")
        self.reads(phone, "Put a certificate on this phone")
        yield "first-phone", phone

    def asks(self) -> Stops:
        phone = self.first
        self.tap(phone, "Put a certificate on this phone")
        yield "ask", phone
        self.tap(phone, "Make the key and ask")
        self.reads(phone, "The key waits in this browser.")
        self.words = phone.page.locator("ol.words li").all_inner_texts()
        yield "waiting", phone

    def approves(self) -> Stops:
        """On the second phone; they tell each other the four words."""
        phone = self.second
        phone.tap("Latchkey")
        self.tap(phone, "Look at the queue")
        yield "queue", phone
        phone.page.get_by_role("link", name=self.says("phone"), exact=True).tap()
        self.reads(phone, "Compare by phone")
        assert phone.page.locator("ol.words li").all_inner_texts() == self.words
        yield "review", phone
        self.tap(phone, "Approve and issue")
        self.reads(phone, "Approved and issued: %(name)s.", name=f"anna's {self.says('phone')}")
        yield "approved-by-second", phone

    def finishes(self) -> Stops:
        """The page noticed by itself that it was approved."""
        phone = self.first
        self.reads(
            phone,
            "The key is in this browser. Two steps are left: a file with a password, and installing it.",
        )
        yield "approved", phone
        self.tap(phone, "Finish on this device")
        self.tap(phone, "Make the file")
        self.reads(phone, "The password")
        yield "file", phone
        password = phone.page.locator("#password").inner_text()
        file = f"annas-{self.says('phone').lower()}"
        phone.install(phone.download(self.says("Download %(file)s.p12", file=file)), password)
        with phone.beside(self.says("See whether it works")):
            self.reads(phone, "Everything is fine")
            yield "check", phone

    def is_done(self) -> Stops:
        phone = self.first
        self.tap(phone, "It is installed: delete the key here")
        self.reads(phone, "The key was deleted from this browser.")
        yield "installed", phone
        self.tap(phone, "Back to the first evening")
        self.reads(phone, "Before you go to bed")
        yield "everything-is-there", phone

    def opens(self) -> Stops:
        phone = self.first
        phone.tap(self.door)
        yield "door", phone
        phone.press(self.says("Practice door"))
        self.reads(phone, "This is a practice door: nothing opens. The press is in Latchkey's log.")
        yield "pressed", phone
