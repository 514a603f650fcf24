"""Ceremonies with passkeys over the portal's pages, as a browser goes through them."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts.models import Passkey, User
from tests.accounts.authenticator import HOST, Authenticator
from tests.conftest import Browser, open_session

PASSWORD = "correct horse battery"
Json = dict[str, Any]


class Named(Browser):
    """A browser at the portal's name, with a port as the listener has it."""

    def request(self, **request: object) -> HttpResponse:
        return super().request(**{**request, "HTTP_HOST": f"{HOST}:8443"})


def question(browser: Client, path: str = "/login/passkey", **given: str) -> Json:
    answer = browser.post(path, given)
    assert answer.status_code == 200, answer.content
    found: Json = answer.json()
    return found


def added(browser: Client, user: User, key: Authenticator, name: str = "Phone") -> Passkey:
    """A passkey of somebody who has just signed in with their app, made over the pages; then signed out."""
    open_session(browser, user)
    assert browser.post("/account/passkey", {"name": name})["Location"] == "/account/passkey/make"
    answer = key.create(question(browser, "/account/passkey/invitation"))
    assert browser.post("/account/passkey/make", {"passkey": answer})["Location"] == "/account"
    browser.post("/logout")
    return Passkey.objects.get(user=user, name=name)
