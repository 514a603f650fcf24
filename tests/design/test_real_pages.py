"""The real pages, as each of the cast gets them, in Chromium at both widths.

Their HTML comes from Django's test client and is shown from memory: no server, and the database is read
before the browser starts. Colours are the same tokens everywhere, so each width is looked at in one theme.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from accounts import setup
from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask, form
from tests.pictures import faults_in

pytestmark = pytest.mark.slow

LOOKS = ("phone-light", "desk-dark")
Pages = dict[str, str]  # name -> HTML
SignIn = Callable[..., Client]

STRANGER = {"login": "/login", "help": "/help", "trust": "/trust", "gone": "/invite/whatever"}
REQUESTER = {
    "home": "/",
    "requests": "/requests/",
    "submit": "/requests/new",
    "account": "/account",
    "password": "/account/password",
    "profile": "/account/profile",
    "new-app": "/account/app",
    "recovery": "/account/recovery",
    "not-found": "/nothing/here",
}
OFFICER = {
    "home": "/",
    "queue": "/queue/",
    "queue-empty": "/queue/?q=nobody",
    "people": "/people",
    "invite": "/people/invite",
}
OVERSIGHT = {"home": "/", "status": "/status", "audit": "/audit", "household": "/household"}


def _get(client: Client, paths: dict[str, str], who: str) -> Pages:
    return {f"{who}-{name}": client.get(path).content.decode() for name, path in paths.items()}


def _requests(alice: User, bob: User) -> dict[str, CertificationRequest]:
    """One in every state that needs no clock."""
    made = {
        "waiting": ask(alice, "Alice’s phone"),
        "question": ask(alice, "The tablet in the kitchen"),
        "issued": ask(alice, "Alice’s laptop"),
        "revoked": ask(alice, "The old phone"),
        "refused": ask(alice, "A phone nobody knows"),
        "withdrawn": ask(alice, "Bought, sent back"),
        "server": ask(alice, "nas", "tls-server", sans=("nas.home.arpa", "192.168.1.10")),
    }
    ra.ask(request=made["question"], by=bob, address=HERE, text="Is that the one with the broken screen?")
    for name in ("issued", "revoked"):
        made[name] = ra.approve(request=made[name], by=bob, address=HERE)
    ra.revoke(request=made["revoked"], by=alice, address=HERE, reason="superseded")
    ra.reject(request=made["refused"], by=bob, address=HERE, reason="Nobody I called knows this phone.")
    ra.withdraw(request=made["withdrawn"], by=alice, address=HERE)
    return made


@pytest.fixture
def pages(
    browser: Client, sign_in: SignIn, alice: User, bob: User, erin: User, dora: User, signer: Path
) -> Pages:
    """Every page, by who looks and what at."""
    made = _requests(alice, bob)
    html = _get(browser, STRANGER, "stranger")
    html["stranger-login-error"] = browser.post("/login", {"username": "alice"}).content.decode()
    sign_in(browser, alice)
    html |= _get(browser, REQUESTER, "alice")
    html |= _get(browser, {name: f"/requests/{request.pk}" for name, request in made.items()}, "alice")
    html["alice-submit-error"] = browser.post("/requests/new", form(b"nonsense", device="")).content.decode()
    shown = form(make_csr("bank.example"), device="Alice’s watch", show="1")
    html["alice-submit-preview"] = browser.post("/requests/new", shown).content.decode()
    sign_in(browser, bob)
    reviews = {
        f"review-{name}": f"/queue/{made[name].pk}" for name in ("waiting", "question", "issued", "server")
    }
    reviews["revoke"] = f"/certificates/revoke?c={made['issued'].certificate_id}"
    html |= _get(browser, {**OFFICER, **reviews}, "bob")
    sign_in(browser, bob, fresh=False)
    html |= _get(browser, {"review-code": f"/queue/{made['waiting'].pk}"}, "bob")
    sign_in(browser, dora)
    html |= _get(browser, {**OVERSIGHT, "person": f"/people/{alice.pk}"}, "dora")
    sign_in(browser, erin)
    return html | _get(browser, {"home": "/", "audit": "/audit"}, "erin")


def test_every_page_fits_its_window_the_thumb_and_the_rules_of_axe(pages: Pages) -> None:
    faults = faults_in(pages, LOOKS)
    assert not faults, "\n".join(faults)


@pytest.mark.django_db
def test_the_setup_page_does_too(browser: Client) -> None:
    token = setup.ensure_token()
    faults = faults_in({"setup": browser.get(f"/setup/{token}").content.decode()}, LOOKS)
    assert not faults, "\n".join(faults)
