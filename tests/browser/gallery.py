"""The way to every page there is: each function walks one person through and stops at each by its name."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import asking
from tests.browser.cast import Cast
from tests.browser.people import Person

Stops = Iterator[tuple[str, Person]]
Walk = Callable[[Cast, Path], Stops]


def _name(device: str) -> str:
    return re.sub("[^a-z]+", "-", device.lower())


def _at(cast: Cast, person: Person, paths: dict[str, str]) -> Stops:
    for name, path in paths.items():
        person.page.goto(cast.portal + path)
        yield f"{person.username}-{name}", person


def stranger(cast: Cast, _: Path) -> Stops:
    nobody = Person(cast.browser, "Stranger")
    yield from _at(cast, nobody, {"trust": "/trust", "gone": "/invite/whatever", "login": "/login"})
    nobody.page.get_by_label("User name").fill("alice")
    nobody.press("Sign in")
    yield "stranger-login-error", nobody
    nobody.leave()


def requester(cast: Cast, folder: Path) -> Stops:
    alice = cast.people["alice"]
    pages = {"home": "/", "requests": "/requests/", "help": "/help", "lost": "/nothing/here"}
    yield from _at(cast, alice, pages)
    devices = ["Alice's phone", "Alice's old phone", "Alice's watch", "Alice's tablet", "Alice's new phone"]
    for device in [*devices, "photos"]:
        alice.go("My requests")
        alice.follow(device)
        yield f"alice-request-{_name(device)}", alice
    yield from submitting(alice, folder)
    ways = {"device": "/device", "device-iphone": "/device?as=iphone", "device-code": "/device/from/used"}
    yield from _at(cast, alice, ways)
    alice.go("My requests")
    alice.follow("Alice's phone")
    alice.follow("Revoke this certificate…")
    yield "alice-revoke", alice


def submitting(alice: Person, folder: Path) -> Stops:
    asking.open_form(alice)
    yield "alice-submit", alice
    alice.press("Send the request")
    yield "alice-submit-errors", alice
    asking.open_form(alice)
    alice.page.get_by_label("The certification request").fill("-----BEGIN CERTIFICATE-----\nno\n")
    expect(alice.page.locator("#summary .bad")).to_be_visible()
    yield "alice-submit-not-a-request", alice
    asking.open_form(alice, "Web server")
    asking.choose(alice, asking.make_request(alice, folder, "Web server"))
    expect(alice.page.locator("#preview .words")).to_be_visible()
    alice.unfold("How to make a request")
    yield "alice-submit-preview", alice


def account(cast: Cast, _: Path) -> Stops:
    alice = cast.people["alice"]
    yield from _at(cast, alice, {"profile": "/account/profile", "password": "/account/password"})
    alice.page.get_by_label("New password").fill("short")
    alice.press("Change the password")
    yield "alice-password-errors", alice
    yield from _at(cast, alice, {"new-app": "/account/app", "account": "/account"})
    alice.follow("App")
    yield "alice-factor", alice
    yield from _at(cast, alice, {"new-passkey": "/account/passkey"})
    yield from _at(cast, alice, {"recovery": "/account/recovery"})
    alice.press("Make ten new codes")
    yield "alice-recovery-codes", alice


def officer(cast: Cast, _: Path) -> Stops:
    bob = cast.people["bob"]
    yield from _at(
        cast, bob, {"home": "/", "queue-empty": "/queue/?q=zzz", "queue-any": "/queue/?status=any"}
    )
    for device in ("Charlie's phone", "Alice's tablet", "photos", "Bob's browser", "lamp-hall"):
        asking.review(bob, device)
        yield f"bob-review-{_name(device)}", bob
    bob.page.get_by_label("Valid for, in days").fill("4000")
    bob.press("Approve and issue")
    yield "bob-review-errors", bob
    yield from batch(bob)
    yield from _at(cast, bob, {"issued": "/queue/?status=issued"})
    bob.follow("lamp-kitchen")
    yield "bob-review-issued", bob
    bob.follow("Revoke this certificate…")
    yield "bob-revoke", bob


def batch(bob: Person) -> Stops:
    bob.go("Queue")
    for owner in ("Bob's browser", "lamp-hall"):
        bob.page.get_by_role("checkbox", name=f"Choose {owner}").check()
    yield "bob-queue", bob
    bob.press("Approve the chosen ones…")
    yield "bob-batch", bob
    bob.press("Approve and issue 1")  # the other one is his own
    yield "bob-batch-done", bob


def administrator(cast: Cast, _: Path) -> Stops:
    dora = cast.people["dora"]
    pages = {"home": "/", "people": "/people", "invite": "/people/invite", "household": "/household"}
    pages |= {"together": "/people/together", "progress": "/progress/"}
    yield from _at(cast, dora, pages)
    link = dora.invite("Fritz Fischer", "Requester")
    yield "dora-link", dora
    dora.follow("Done")
    yield "dora-people-links", dora
    dora.follow("Charlie Kern")
    yield "dora-person", dora
    dora.follow("Lost password or phone…")
    yield "dora-person-reset", dora
    dora.press("Make the link")
    yield "dora-reset-link", dora
    dora.go("People")
    dora.follow("Charlie Kern")
    dora.follow("Deactivate this account…")
    yield "dora-person-active", dora
    yield from joining(cast, link)


def joining(cast: Cast, link: str) -> Stops:
    fritz = Person(cast.browser, "Fritz Fischer")
    fritz.page.goto(link)
    yield "fritz-invitation", fritz
    fritz.page.get_by_label("Password").fill("fritz")
    fritz.press("Continue to the app")
    yield "fritz-invitation-errors", fritz
    fritz.page.get_by_label("User name").fill("fritz")
    fritz.page.get_by_label("Password").fill(fritz.password)
    fritz.press("Continue to the app")
    fritz.unfold("I cannot scan it")
    yield "fritz-app", fritz
    fritz.leave()


def auditor(cast: Cast, _: Path) -> Stops:
    erin = cast.people["erin"]
    pages = {"home": "/", "audit": "/audit", "status": "/status", "audit-none": "/audit?q=nobody-at-all"}
    yield from _at(cast, erin, pages)


WALKS: tuple[Walk, ...] = (stranger, requester, officer, administrator, auditor, account)
