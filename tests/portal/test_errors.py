"""What goes wrong is said in words, by a page that cannot fail itself."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from accounts.models import User
from portal import errors
from tests.conftest import Browser, open_session


@pytest.mark.django_db
def test_an_unknown_host_is_told_the_known_ones(browser: Browser) -> None:
    response = browser.get("/login", headers={"host": "evil.example"})
    text = response.content.decode()
    assert response.status_code == 400
    assert "portal.home.arpa" in text
    assert "LATCHKEY_HOSTS" in text
    assert "evil.example" not in text


@pytest.mark.django_db
def test_a_hundred_megabytes_are_refused_before_they_are_read(browser: Browser, alice: User) -> None:
    class Endless:
        """A body that counts what is read of it."""

        taken = 0

        def read(self, size: int = -1) -> bytes:
            Endless.taken += max(size, 0)
            return b"x" * max(size, 0)

        readline = read

    open_session(browser, alice)
    response = browser.generic(
        "POST",
        "/requests/new",
        b"",
        CONTENT_TYPE="multipart/form-data; boundary=line",
        CONTENT_LENGTH=str(100 * 1024 * 1024),
        **{"wsgi.input": Endless()},
    )
    assert response.status_code == 413
    assert "at most 64 KiB" in response.content.decode()
    assert Endless.taken == 0


@pytest.mark.django_db
def test_a_long_field_is_refused_as_well(browser: Browser, alice: User) -> None:
    open_session(browser, alice)
    response = browser.post("/requests/new", {"note": "x" * 300_000})
    assert response.status_code == 413


@pytest.mark.django_db
def test_a_small_file_passes_the_cap(browser: Browser, alice: User) -> None:
    open_session(browser, alice)
    response = browser.post("/requests/new", {"file": SimpleUploadedFile("a.csr", b"x" * 60_000)})
    assert response.status_code == 422


@pytest.mark.django_db
def test_a_form_from_elsewhere_gets_a_page_that_says_what_to_do() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login", {}, secure=True)
    assert response.status_code == 403
    assert "This form is out of date" in response.content.decode()


def test_error_pages_stand_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no database")

    monkeypatch.setattr(connection, "ensure_connection", broken)
    monkeypatch.setattr(errors, "render_to_string", broken)
    response = errors.server_error(None)
    assert response.status_code == 500
    assert "Something broke" in response.content.decode()
