"""Ways out and back in, in one line each, as people take them."""

import re
from io import StringIO

from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from accounts import guesses, timecodes, totp
from accounts.models import Passkey, TotpDevice, User
from tests.accounts.walk import code_of, shown_secret
from tests.conftest import Browser, let_time_pass, open_session

OLD, NEW = "correct horse battery", "entirely new words"
PORTAL = "https://portal.home.arpa:8443"


def log_in(browser: Client, username: str, password: str, code: str) -> HttpResponse:
    return browser.post("/login", {"username": username, "password": password, "code": code})


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def four_words(page: HttpResponse) -> list[str]:
    found = re.search(r'<ol class="words">(.*?)</ol>', page.content.decode(), re.S)
    return re.findall(r"<li>([a-z]+)</li>", found[1]) if found else []


def ask(browser: Client, username: str) -> list[str]:
    """From the login page on; gives the words that this browser shows."""
    assert 'href="/back"' in browser.get("/login").content.decode()
    assert browser.post("/back", {"username": username})["Location"] == "/back"
    return four_words(browser.get("/back"))


def compare(helper: User, person: User, told: list[str]) -> bool:
    """What somebody who may reset does: let in who has the right words, refuse others; whether they did."""
    browser = open_session(Browser(), helper)
    url = f"/people/{person.pk}/back"
    assert url in browser.get("/people").content.decode()
    page = browser.get(url)
    asked = re.search(r'name="asked" value="([^"]+)"', page.content.decode())
    assert asked
    same = four_words(page) == told
    data = {"asked": asked[1], "verdict": "same" if same else "different"}
    assert browser.post(url, data).status_code == 302
    return same


def set_anew(browser: Client, url: str) -> bool:
    """Password and app; whether it ends inside."""
    assert browser.post(url, {"password": NEW})["Location"] == f"{url}/app"
    browser.post(f"{url}/app", {"code": code_of(shown_secret(browser, f"{url}/app"))})
    return is_in(browser)


def on_the_machine(username: str) -> str:
    """The path of the link that the command prints first."""
    out = StringIO()
    call_command("reset_link", username, stdout=out, stderr=StringIO())
    return out.getvalue().splitlines()[0].removeprefix(PORTAL)


def wrong_code(device: TotpDevice) -> str:
    return next(f"{n:06d}" for n in range(10**6) if not timecodes.is_near(device.secret, f"{n:06d}"))


def hammer(username: str) -> Client:
    """Somebody who tries until they must wait."""
    stranger = Browser()
    for _ in range(40):
        if log_in(stranger, username, "guessed the password", "000000").status_code == 429:
            return stranger
    raise AssertionError("nobody was slowed down")


def guess_all(user: User) -> TotpDevice:
    """Somebody who knows the password uses up the wrong codes that single ones may be."""
    device = totp.enrol(user)
    for _ in range(guesses.FREE):
        let_time_pass(user)
        assert totp.verify(user, wrong_code(device)) is None
    let_time_pass(user)
    return device


def passkey_of(user: User) -> Passkey:
    return Passkey.objects.create(
        user=user, name="Key ring", credential_id="AAAA", public_key=b"\xa0", host="portal.home.arpa"
    )
