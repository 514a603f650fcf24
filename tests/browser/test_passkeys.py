"""Passkeys in a real browser, over the real WebAuthn API: Chromium's virtual authenticator answers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Request, expect

from tests.browser import asking
from tests.browser.conftest import Household
from tests.browser.keys import OLD_KEY, PHONE, Keys
from tests.browser.people import Person, grow_old
from tests.pictures import faults_of, picture

pytestmark = pytest.mark.slow

# What a page of somebody else under this name would do: ask the authenticator for the portal.
FISH = """async (question) => {
  const plain = (text) => text.replace(/-/g, "+").replace(/_/g, "/");
  const bytes = (text) => Uint8Array.from(atob(plain(text)), (one) => one.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=+$/, "");
  const names = ["clientDataJSON", "authenticatorData", "signature", "userHandle"];
  try {
    const publicKey = {...question, challenge: bytes(question.challenge)};
    const { id, response } = await navigator.credentials.get({ publicKey });
    const said = {};
    for (const name of names) said[name] = text(response[name]);
    return JSON.stringify({ id, rawId: id, type: "public-key", response: said });
  } catch (error) {
    return error.name;
  }
}"""
SEND = """async ([answer, token]) => {
  const body = new URLSearchParams({ passkey: answer, csrfmiddlewaretoken: token });
  const page = await fetch("/login", { method: "POST", body });
  return [page.status, await page.text()];
}"""
QUESTION = """async (token) => {
  const body = new URLSearchParams({ csrfmiddlewaretoken: token });
  return (await fetch("/login/passkey", { method: "POST", body })).json();
}"""


@pytest.fixture(scope="module")
def olga(household: Household) -> Iterator[Person]:
    """An officer of her own, so that nobody else's sessions end."""
    person = Person(household.browser, "Olga Sommer")
    person.join(household.dora.invite("Olga Sommer", "Officer"))
    yield person
    person.leave()


@pytest.fixture(scope="module")
def keys(olga: Person) -> Keys:
    return Keys.of(olga.page, PHONE)


def portal(person: Person) -> str:
    return "/".join(person.page.url.split("/")[:3])


def add(person: Person, name: str) -> None:
    person.page.goto(f"{portal(person)}/account")
    person.follow("Add a passkey")
    person.page.get_by_label("Name").fill(name)
    person.press("Continue")
    person.press("Make the passkey")
    person.sees("Your passkey is kept")


def sign_out(person: Person) -> None:
    person.press("Sign out")
    person.sees("You are signed out")


def token(person: Person) -> str:
    return str(person.page.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value"))


def an_officer_makes_a_passkey_and_signs_in_with_it_alone(olga: Person, keys: Keys) -> None:
    olga.page.goto(f"{portal(olga)}/account")
    olga.sees("You decide for others here")
    add(olga, "My phone")
    assert keys.counts() == [1]
    sign_out(olga)
    sent: list[Request] = []
    olga.page.on("request", lambda one: sent.append(one) if one.method == "POST" else None)
    olga.press("Sign in with a passkey")
    olga.sees("Hello, Olga Sommer")
    assert keys.counts() == [2]
    # The same answer again, from the same browser.
    answer = parse_qs(sent[-1].post_data or "")["passkey"][0]
    sign_out(olga)
    status, page = olga.page.evaluate(SEND, [answer, token(olga)])
    assert (status, "was answered before" in page) == (400, True)


def the_field_for_the_user_name_offers_it(olga: Person, keys: Keys) -> None:
    keys.offered(True)
    olga.page.goto(f"{portal(olga)}/login")  # the virtual finger takes the offer
    olga.sees("Hello, Olga Sommer")
    keys.offered(False)
    sign_out(olga)


def after_the_password_it_takes_the_place_of_the_code(olga: Person, keys: Keys) -> None:
    olga.page.get_by_label("User name").fill(olga.username)
    olga.press("Use a passkey instead of a code")
    olga.sees("Type your user name and password first.")
    olga.page.get_by_label("Password").fill("not the password")
    olga.press("Use a passkey instead of a code")
    olga.sees("Check the user name and the password")
    olga.page.get_by_label("Password").fill(olga.password)
    olga.press("Use a passkey instead of a code")
    olga.sees("Hello, Olga Sommer")


def a_decision_takes_it_in_place_of_a_fresh_code(
    household: Household, olga: Person, keys: Keys, tmp_path: Path
) -> None:
    asking.ask(household.alice, tmp_path, "a phone for olga")
    grow_old(household.running)
    asking.review(olga, "a phone for olga")
    approve = olga.page.locator("form.card")
    approve.get_by_label("Valid for, in days").fill("4000")
    approve.get_by_role("button", name="Use your passkey").click()
    olga.sees("This needs another look")  # the passkey counts, and what was typed is kept
    olga.sees("still counts")
    expect(approve.get_by_label("Valid for, in days")).to_have_value("4000")
    grow_old(household.running)
    asking.review(olga, "a phone for olga")
    picture(olga.page, "olga-review-passkey")
    assert faults_of(olga.page) == []
    approve.get_by_role("button", name="Use your passkey").click()
    olga.sees("Approved and issued")


def what_was_fished_on_another_port_or_name_opens_nothing(
    household: Household, olga: Person, keys: Keys
) -> None:
    sign_out(olga)
    question = olga.page.evaluate(QUESTION, token(olga))
    here, csrf = olga.page.url, token(olga)
    port = household.running.check_address[1]
    olga.page.goto(f"https://portal.home.arpa:{port}/")
    answer = olga.page.evaluate(FISH, question)
    assert json.loads(answer)["id"]  # the browser lets it: a name has one passkey for all ports
    olga.page.goto(f"https://localhost:{household.running.address[1]}/login")
    assert olga.page.evaluate(FISH, question) == "SecurityError"
    olga.page.goto(here)
    status, page = olga.page.evaluate(SEND, [answer, csrf])
    assert (status, "does not fit" in page) == (400, True)


def a_copy_that_counts_back_is_refused(olga: Person, keys: Keys) -> None:
    keys.count_back()
    olga.press("Sign in with a passkey")
    olga.sees("a copy of it may be in use")


def a_key_without_finger_and_name_works_after_the_password_and_is_removed(
    household: Household, olga: Person
) -> None:
    """In a window of their own: an old security key."""
    person = Person(household.browser, "Olga Sommer", password=olga.password)
    person.app = olga.app
    person.page.goto(f"{portal(olga)}/login")
    person.sign_in()
    Keys.of(person.page, OLD_KEY)
    add(person, "Old key")
    person.sees("It takes the place of the code")
    sign_out(person)
    person.page.get_by_label("User name").fill(person.username)
    person.page.get_by_label("Password").fill(person.password)
    person.press("Use a passkey instead of a code")
    person.sees("Hello, Olga Sommer")
    person.page.goto(f"{portal(person)}/account")
    person.follow("My phone")
    picture(person.page, "olga-factor")
    assert faults_of(person.page) == []
    person.press("Remove it")
    person.sees("Removed. Everywhere else you are signed out.")
    person.follow("Old key")
    person.press("Remove it")
    expect(person.page.get_by_role("link", name="Old key")).to_have_count(0)
    person.follow("App")
    person.sees("It is the last one you have")
    person.leave()


def a_removed_one_opens_nothing(olga: Person, keys: Keys) -> None:
    olga.press("Sign in with a passkey")
    olga.sees("This passkey is not known here")


def on_a_bare_address_the_page_says_why_not(household: Household, olga: Person) -> None:
    where = f"https://127.0.0.1:{household.running.address[1]}"
    olga.page.goto(f"{where}/login")
    expect(olga.page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)
    olga.sign_in()
    olga.page.goto(f"{where}/account/passkey")
    olga.sees("Passkeys need a name")
    picture(olga.page, "olga-nameless")
    assert faults_of(olga.page) == []
    olga.follow(f"https://localhost:{household.running.address[1]}")
    expect(olga.page).to_have_url(re.compile("^https://localhost:.*next=%2Faccount%2Fpasskey$"))


def test_the_life_of_a_passkey(household: Household, olga: Person, keys: Keys, tmp_path: Path) -> None:
    """One after the other, as each goes on where the one before it ended."""
    an_officer_makes_a_passkey_and_signs_in_with_it_alone(olga, keys)
    the_field_for_the_user_name_offers_it(olga, keys)
    after_the_password_it_takes_the_place_of_the_code(olga, keys)
    a_decision_takes_it_in_place_of_a_fresh_code(household, olga, keys, tmp_path)
    what_was_fished_on_another_port_or_name_opens_nothing(household, olga, keys)
    a_copy_that_counts_back_is_refused(olga, keys)
    a_key_without_finger_and_name_works_after_the_password_and_is_removed(household, olga)
    a_removed_one_opens_nothing(olga, keys)
    on_a_bare_address_the_page_says_why_not(household, olga)
