"""The people of the demo household (`manage.py demo`), each with a browser and an app."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser

from tests.browser import shell
from tests.browser.people import App, Person
from tests.pictures import chromium
from tests.portal.running import Running, up

NAMES = "--host-resolver-rules=MAP *.home.arpa 127.0.0.1, MAP bank.example 127.0.0.1"


@dataclass(frozen=True)
class Cast:
    running: Running
    browser: Browser
    portal: str  # its address
    people: dict[str, Person]  # by user name, signed in


@contextmanager
def cast(folder: Path, scale: int = 1, **more: str) -> Iterator[Cast]:
    """A demo that runs, and everybody signed in. `folder` is empty; `scale`: device pixels per CSS pixel;
    `more`: environment of the demo."""
    with up(folder / "data", command="demo", **more) as running:
        root = running.data / "public" / "ca" / "servers-root.pem"
        with chromium(NAMES, home=shell.trust(folder / "home", root)) as browser:
            told = json.loads((running.data / "credentials.json").read_text())
            people = {
                one["username"]: _enter(browser, told["portal"], one, scale) for one in told["accounts"]
            }
            yield Cast(running, browser, told["portal"], people)


def _enter(browser: Browser, portal: str, account: dict[str, str], scale: int) -> Person:
    person = Person(browser, account["username"], password=account["password"], scale=scale)
    person.app = App(parse_qs(urlsplit(account["totp_uri"]).query)["secret"][0])
    person.page.goto(f"{portal}/login")
    person.sign_in()
    return person
