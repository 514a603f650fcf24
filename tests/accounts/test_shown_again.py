"""What is shown again while it waits, a new app and new recovery codes, is hidden before a thief comes."""

import re
import time
from collections.abc import Callable

import pytest
from django.test import Client

from accounts import invitations, recovery, totp
from accounts.models import RecoveryCode, TotpDevice, User
from tests.accounts.walk import GOOD, code_of, join, shown_secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def invite_url(bob: User) -> str:
    return f"/invite/{invitations.make(bob, roles=frozenset({'requester'}), full_name='Zoe Z.')}"


def test_codes_left_open_are_hidden_after_five_minutes_with_a_way_to_new_ones(
    browser: Client, invite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(browser, invite_url)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 299)
    page = browser.get("/account/recovery").content.decode()
    code = re.search(r"<li>(\w{4}-\w{4}-\w{4})</li>", page)
    assert code
    monkeypatch.setattr(time, "time", lambda: now + 302)
    later = browser.get("/account/recovery").content.decode()
    assert code[1] not in later
    assert "If you kept them, they work" in later and "Make ten new codes" in later
    assert browser.post("/account/recovery", {"kept": "yes"})["Location"] == "/"
    assert RecoveryCode.objects.count() == 10
    assert recovery.normalised(code[1]) and totp.verify(User.objects.get(username="zoe"), code[1])


def test_before_there_is_a_session_the_second_step_can_be_loaded_again_for_long(
    browser: Client, invite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.post(invite_url, GOOD)
    secret = shown_secret(browser, f"{invite_url}/app")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 600)
    assert shown_secret(browser, f"{invite_url}/app") == secret


def test_a_new_app_that_waits_is_hidden_after_five_minutes_with_a_way_to_begin_again(
    browser: Client, alice: User, sign_in: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fresh the session is by then: somebody else may hold it."""
    sign_in(browser, alice)
    old = TotpDevice.objects.get()
    browser.post("/account/app", {"name": "New phone"})
    secret = shown_secret(browser, "/account/app/confirm")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 302)
    answer = browser.post("/account/app/confirm", {"code": code_of(secret)}, follow=True)
    assert answer.redirect_chain == [("/account/app", 302)]
    page = answer.content.decode()
    assert "Begin again here" in page and "Add an app" in page
    assert "Begin again here" not in browser.get("/account/app").content.decode()
    assert TotpDevice.objects.get() == old
