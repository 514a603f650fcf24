"""Walking through the two steps of a link in the tests."""

import base64
import re
import time

from django.http import HttpResponse
from django.test import Client
from django_otp.oath import hotp

GOOD = {"full_name": "Zoe Zander", "username": "zoe", "password": "four unrelated words"}


def shown_secret(browser: Client, url: str) -> bytes:
    """The key on the page of the second step, as somebody would type it into their app."""
    page = browser.get(url).content.decode()
    found = re.search(r'<code class="fingerprint">([A-Z2-7 ]+)</code>', page)
    assert found, page
    return base64.b32decode(found[1].replace(" ", ""))


def code_of(secret: bytes, *, ahead: int = 0) -> str:
    return f"{hotp(secret, int(time.time()) // 30 + ahead):06d}"


def join(browser: Client, url: str, **changes: str) -> HttpResponse:
    """Both steps of the link at `url`; gives the answer to the confirmed code."""
    first = browser.post(url, {**GOOD, **changes})
    assert first.status_code == 302, first.content.decode()
    secret = shown_secret(browser, f"{url}/app")
    return browser.post(f"{url}/app", {"code": code_of(secret)})
