"""A full disk and a database that refuses are told as such, on every face, and not as our mistake."""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.models import User
from portal import errors, errors_door, unsaved
from portal.views import check
from tests.conftest import Browser, make_csr, open_session
from tests.enrollment.acts import form

BUSY = OperationalError("database is locked")
BUSY.__cause__ = sqlite3.OperationalError("database is locked")
BUSY.__cause__.sqlite_errorname = "SQLITE_BUSY"  # type: ignore[attr-defined]  # as SQLite sets it


def test_the_cause_decides_and_everything_else_is_no_trouble_of_these() -> None:
    assert unsaved.trouble(BUSY).title == "The database is busy"
    assert unsaved.trouble(OSError(errno.ENOSPC, "")).title == "The disk is full"
    assert unsaved.trouble(OSError(errno.EROFS, "")).title == "Nothing can be saved"
    assert unsaved.trouble(OperationalError("gone")).title == "The database does not answer"
    for other in (None, ValueError("x"), OSError(errno.ENOENT, "")):
        assert unsaved.trouble(other) is None


@pytest.mark.parametrize(
    "view", [errors.server_error, errors.status_error, errors_door.server_error, check.server_error]
)
def test_each_face_says_it_with_503_and_when_to_come_again(
    view: Callable[[HttpRequest], HttpResponse],
) -> None:
    request = RequestFactory().get("/")
    try:
        raise BUSY
    except OperationalError:
        answer = view(request)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "30"
    assert b"The database is busy" in answer.content
    try:
        raise ValueError("ours")
    except ValueError:
        assert view(request).status_code == 500


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Somebody else writes, and does not end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks no whole database")
def test_a_request_that_cannot_be_stored_is_told_so_and_stored_when_sent_again(alice: User) -> None:
    at_home = open_session(Browser(), alice)
    at_home.raise_request_exception = False
    sent = form(make_csr())
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 10")
    with locked(str(connection.settings_dict["NAME"])):
        answer = at_home.post("/requests/new", sent)
    assert answer.status_code == 503 and "nothing was saved" in answer.content.decode()
    assert at_home.post("/requests/new", sent).status_code == 302
    connection.close()  # the next one is as patient as usual
