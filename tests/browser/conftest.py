"""One household, set up by its people in real browsers: `manage.py up` below, Chromium in front of it.

Chromium trusts the household's servers root and is told where portal.home.arpa is; no error is ignored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import shell
from tests.browser.cast import NAMES
from tests.browser.people import Person
from tests.pictures import chromium
from tests.portal.running import Running, up


@dataclass(frozen=True)
class Household:
    """`dora` administers and is an officer, who invited `bob` the officer and `alice` the requester."""

    running: Running
    browser: Browser
    dora: Person
    bob: Person
    alice: Person
    recovery_codes: list[str]  # dora's


def setup_link(said: str) -> str:
    """The link as the terminal shows it."""
    found = re.search(r"^Set up\s+(https://\S+)", said, re.MULTILINE)
    assert found, said
    return found[1]


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("household") / "data") as found:
        yield found


@pytest.fixture(scope="package")
def browser(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    root = Path(running.data / "public" / "ca" / "servers-root.pem")
    with chromium(NAMES, home=shell.trust(tmp_path_factory.mktemp("home"), root)) as found:
        yield found


@pytest.fixture(scope="package")
def household(running: Running, browser: Browser) -> Household:
    dora = Person(browser, "Dora Winter")
    codes = dora.join(setup_link(running.said))
    bob, alice = Person(browser, "Bob Berger"), Person(browser, "Alice Amsel")
    bob.join(dora.invite("Bob Berger", "Officer"))
    alice.join(dora.invite("Alice Amsel", "Requester"))
    return Household(running, browser, dora, bob, alice, codes)
