"""What lies in the table of sessions is of no use in a browser."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.session_store import SessionStore, row_of
from tests.conftest import Browser, open_session

pytestmark = pytest.mark.django_db


def cookie_of(browser: Client) -> str:
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def with_cookie(value: str) -> Browser:
    browser = Browser()
    browser.cookies[settings.SESSION_COOKIE_NAME] = value
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def test_whoever_reads_the_table_has_nobodys_session(browser: Client, alice: User) -> None:
    cookie = cookie_of(open_session(browser, alice))
    assert is_in(with_cookie(cookie))
    (row,) = Session.objects.all()
    assert row.session_key == row_of(cookie) != cookie
    assert cookie not in row.session_data
    assert cookie not in str(row.get_decoded())
    assert not is_in(with_cookie(row.session_key))


def test_a_row_of_before_there_were_digests_signs_nobody_in(browser: Client, alice: User) -> None:
    open_session(browser, alice)
    (row,) = Session.objects.all()
    before = db.SessionStore()  # its key stands in the table as it is
    before.update(row.get_decoded())
    before.save()
    assert Session.objects.filter(pk=before.session_key).exists()
    assert not is_in(with_cookie(before.session_key or ""))


def test_signing_out_and_a_new_key_leave_no_row_of_before(browser: Client, alice: User) -> None:
    cookie = cookie_of(open_session(browser, alice))
    changed = {"old": "correct horse battery", "new": "entirely new words 7"}
    assert browser.post("/account/password", changed).status_code == 302
    assert [row.session_key for row in Session.objects.all()] == [row_of(cookie_of(browser))]
    assert not is_in(with_cookie(cookie))
    browser.post("/logout")
    assert not Session.objects.exists()


def test_what_is_over_and_what_a_visitor_made_up_is_no_session() -> None:
    store = SessionStore()
    store["x"] = 1
    store.save()
    key = store.session_key or ""
    assert SessionStore().exists(key)
    assert SessionStore(key)["x"] == 1
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    for odd in (key, "planted0planted0planted0planted0", "x", ""):
        found = SessionStore(odd)
        assert not list(found.keys())
        assert found.session_key is None
