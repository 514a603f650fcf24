"""Requests no browser sends: strange encodings, addresses, cookies and bodies get an answer, never a 500."""

from unittest.mock import Mock

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts import household
from accounts.models import User
from enrollment.models import CertificationRequest
from portal import faces
from tests.conftest import Browser, make_csr, open_session
from tests.enrollment.acts import form

NOBODY_ID = "00000000-0000-0000-0000-000000000000"
ENCODINGS = ("hex", "rot13", "idna", "undefined", "utf-7", "unicode_escape", "utf-16", "latin-1")


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode("latin-1") + value + b"\r\n"


def send(client: Client, body: bytes, address: str = "/requests/new", more: str = "") -> int:
    kind = f"multipart/form-data; boundary=x{more}"
    return client.generic("POST", address, body + b"--x--\r\n", kind).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_no_page_of_ours_uses_is_refused(browser: Browser, alice: User, encoding: str) -> None:
    body = part("username", b"\\ud800+2AA-")
    assert send(browser, body, "/login", f"; charset={encoding}") == 400
    open_session(browser, alice)
    fields = {**form(make_csr()), "note": "\\ud800+2AA-"}
    body = b"".join(part(name, text.encode()) for name, text in fields.items())
    answer = browser.generic(
        "POST", "/requests/new", body + b"--x--\r\n", f"multipart/form-data; boundary=x; charset={encoding}"
    )
    assert answer.status_code == 400 and "did not arrive whole" in answer.content.decode()
    assert not CertificationRequest.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("face", ["urls", "urls_door", "urls_check", "urls_status"])
def test_an_address_in_such_an_encoding_is_refused_at_every_face(face: str, settings: Settings) -> None:
    """Django fails on those while it makes its request, where no handler of errors is."""
    settings.ROOT_URLCONF = f"portal.{face}"
    settings.MIDDLEWARE = {
        "urls": settings.MIDDLEWARE,
        "urls_door": settings.DOOR_MIDDLEWARE,
        "urls_check": settings.CHECK_MIDDLEWARE,
        "urls_status": settings.STATUS_MIDDLEWARE,
    }[face]
    served = faces.Face({}, lambda app: app).load()
    for encoding, query in [*((one, "a=%41") for one in ENCODINGS[:4]), ("utf-8", "&".join("a" * 1001))]:
        kind = f"text/plain; charset={encoding}"
        environ = RequestFactory().generic("GET", "/", content_type="").environ
        start = Mock()
        answer = served({**environ, "QUERY_STRING": query, "CONTENT_TYPE": kind}, start)
        assert b"".join(answer) and start.call_args.args[0] == "400 Bad Request", encoding


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "UTF-8", "utf8", "no-such-encoding"])
def test_utf_8_by_any_of_its_names_is_fine(browser: Browser, alice: User, encoding: str) -> None:
    open_session(browser, alice)
    body = b"".join(part(name, text.encode()) for name, text in form(make_csr()).items())
    assert send(browser, body, more=f"; charset={encoding}") == 302


BODIES = {
    "no boundary": (b"abc", "multipart/form-data"),
    "a boundary that is too long": (b"abc", f"multipart/form-data; boundary={'x' * 300}"),
    "2,000 fields": (b"".join(part(f"f{n}", b"1") for n in range(2000)), "multipart/form-data; boundary=x"),
    "200 files": (
        b"".join(part(f"f{n}", b"1", '; filename="a"') for n in range(200)),
        "multipart/form-data; boundary=x",
    ),
    "a heading of 200,000 letters": (
        part("f", b"1", f'; x="{"a" * 200_000}"'),
        "multipart/form-data; boundary=x",
    ),
    "a file name that climbs": (
        part("file", b"abc", '; filename="../../\xff\0\u0085.csr"'),
        "multipart/form-data; boundary=x",
    ),
    "base64 that is none": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n",
        "multipart/form-data; boundary=x",
    ),
    "a long text": (b"csr=" + b"a" * 300_000, "application/x-www-form-urlencoded"),
    "JSON": (b"[" * 100_000, "application/json"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("title", BODIES)
def test_an_odd_body_is_refused(browser: Browser, alice: User, title: str) -> None:
    open_session(browser, alice)
    body, kind = BODIES[title]
    answer = browser.generic("POST", "/requests/new", body + b"--x--\r\n", kind)
    assert 400 <= answer.status_code < 500 and "<h1>" in answer.content.decode()
    assert 400 <= browser.generic("POST", "/requests/inspect", body + b"--x--\r\n", kind).status_code < 500
    assert not CertificationRequest.objects.exists()


PATHS = ("/%00", "/%ff", "/requests/%00", "/setup/%ed%a0%80", "/invite/%ff%fe", "/static/%00", "/\\evil")


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*PATHS, "/static/..%2f..%2f..%2fetc/passwd", "/requests/" + "a" * 5000])
def test_an_odd_path_is_not_found(browser: Browser, alice: User, path: str) -> None:
    assert browser.generic("GET", path).status_code in (404, 410)
    assert open_session(browser, alice).generic("GET", path).status_code in (404, 410)


@pytest.mark.django_db
@pytest.mark.parametrize("cookie", ['"' + "\\000" * 32 + '"', '"\\ud800"', "a" * 5000, "\xff" * 40, "=;=;,"])
def test_an_odd_cookie_is_nobodys(browser: Browser, cookie: str) -> None:
    everything = f"__Host-latchkey={cookie}; __Host-latchkey-csrf={cookie}; messages={cookie}"
    assert browser.get("/requests/", headers={"cookie": everything}).status_code == 302
    strict = Browser(enforce_csrf_checks=True)
    assert strict.post("/login", {}, headers={"cookie": everything}).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    "after",
    [
        f"0001-01-01T00:00:00+14:00_{NOBODY_ID}",
        f"9999-12-31T23:59:59-14:00_{NOBODY_ID}",
        "2026-01-01_x",
        "\0",
    ],
)
def test_a_place_in_the_queue_that_cannot_be_is_its_beginning(
    browser: Browser, bob: User, after: str
) -> None:
    open_session(browser, bob)
    assert browser.get("/queue/", {"after": after, "q": "\0", "purpose": "\0"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("day", ["0001-01-01", "0001-12-31", "9999-12-30", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_as_well(browser: Browser, erin: User, zone: str, day: str) -> None:
    house = household.current()
    house.time_zone = zone
    house.save()
    open_session(browser, erin)
    for field in ("since", "until"):
        assert browser.get("/audit", {field: day}).status_code == 200
        assert b"".join(browser.get("/audit/trail.csv", {field: day}).streaming_content)
