"""Nasty text in every field there is: stored clean or shown as text, never a 5xx, never on a terminal."""

import csv
import io
import unicodedata
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts import household
from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest, Message, Status
from pki.text import hidden
from tests.conftest import Browser, let_time_pass, make_csr, next_code, open_session
from tests.enrollment.acts import HERE, ask, form
from tests.nasty import NASTY

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("nobody_signs")]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
SENT = [text.encode("utf-8", "replace").decode() for text in NASTY]  # a browser sends no lone surrogates


@pytest.fixture
def nobody_signs(settings: object, tmp_path: object) -> None:
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"


@pytest.fixture(autouse=True)
def quiet_terminal(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing that a terminal would obey is logged or printed."""
    yield
    shown = caplog.text + "".join(capfd.readouterr())
    assert not [char for char in shown if char != "\n" and hidden(char)]


def assert_answered(answer: HttpResponse, *, text: str) -> None:
    """No 5xx, nothing hidden in a header, nothing of it run by a browser."""
    assert answer.status_code < 500, ascii(text)
    for value in answer.headers.values():
        assert value.isascii() and value.isprintable(), ascii(text)
    if "html" in answer.headers["Content-Type"]:
        page = answer.content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page, ascii(text)


@pytest.mark.parametrize("field", ["device", "note"])
def test_in_a_request(browser: Browser, alice: User, bob: User, field: str) -> None:
    open_session(browser, alice)
    for text in SENT:
        answer = browser.post("/requests/new", form(make_csr(), **{field: text}))
        assert_answered(answer, text=text)
        assert answer.status_code in (302, 422)
        if answer.status_code == 302:
            assert_answered(browser.get(answer.headers["Location"]), text=text)
    desk = open_session(Browser(), bob)
    for request in CertificationRequest.objects.all():
        assert not any(map(hidden, request.device + request.common_name))
        assert_answered(desk.get(f"/queue/{request.pk}"), text=request.note)
    for client, address in ((browser, "/requests/"), (desk, "/queue/")):
        assert_answered(client.get(address), text=field)


def test_in_a_question_an_answer_and_a_reason(alice: User, bob: User) -> None:
    home, desk = open_session(Browser(), alice), open_session(Browser(), bob)
    for text in SENT:
        request = ask(alice)
        decide = f"/queue/{request.pk}/decide"
        assert_answered(desk.post(decide, {"action": "ask", "text": text}), text=text)
        assert_answered(home.post(f"/requests/{request.pk}/answer", {"text": text}), text=text)
        assert_answered(desk.post(decide, {"action": "reject", "reason": text}), text=text)
        assert_answered(desk.post(decide, {"action": text}), text=text)
        assert_answered(home.get(f"/requests/{request.pk}"), text=text)
        assert_answered(home.get(f"/requests/{request.pk}/state"), text=text)
        assert_answered(desk.get(f"/queue/{request.pk}"), text=text)
    assert Message.objects.count() > len(SENT)


def test_in_the_names_that_an_officer_edits(alice: User, bob: User) -> None:
    desk = open_session(Browser(), bob)
    for text in SENT:
        request = ask(alice)
        fields = {"action": "approve", "common_name": text, "names": text, "days": "30"}
        answer = desk.post(f"/queue/{request.pk}/decide", fields)
        assert_answered(answer, text=text)
        request.refresh_from_db()
        assert not any(map(hidden, request.common_name))
        if request.status == Status.PENDING:  # makes room: a person has twenty waiting at most
            ra.withdraw(request=request, by=alice, address=HERE)


@pytest.mark.parametrize(
    "address",
    [
        "/queue/?{}",
        "/people?{}",
        "/progress/?{}",
        "/audit?{}",
        "/requests/?{}",
        "/login?{}",
        "/audit/trail.csv?{}",
    ],
)
def test_in_an_address(address: str, alice: User, bob: User, dora: User) -> None:
    fields = ("q", "after", "status", "purpose", "waits", "actor", "action", "since", "before", "next")
    by = {"/queue": bob, "/people": bob, "/requ": alice}.get(address[:6].rstrip("/?"), dora)
    client = open_session(Browser(), by)
    for text in SENT:
        answer = client.get(address.partition("?")[0], dict.fromkeys(fields, text))
        assert_answered(answer, text=text)


def test_in_a_login(browser: Browser, alice: User) -> None:
    for text in SENT:
        answer = browser.post("/login", {"username": text, "password": text, "code": text, "next": text})
        assert_answered(answer, text=text)
        assert answer.status_code in (400, 429)


def test_in_the_names_of_people_and_the_household(dora: User) -> None:
    desk = open_session(Browser(), dora)
    for text in SENT:
        let_time_pass(dora)
        house = {"name": text, "time_zone": "Europe/Berlin", "code": next_code(dora)}
        assert_answered(desk.post("/household", house), text=text)
        assert_answered(desk.post("/account/profile", {"full_name": text, "email": text}), text=text)
        assert_answered(
            desk.post("/people/invite", {"full_name": text, "roles": text, "hours": text}), text=text
        )
        invited = {"full_name": text, "roles": ["requester"], "hours": "72"}
        assert_answered(desk.post("/people/invite", invited), text=text)
        table = f"name,e-mail,username,roles,device\n{','.join([text] * 5)}\n"
        for typed in (table, text):
            many = {"name": text, "text": typed, "roles": ["requester"], "hours": "72", "once": str(uuid4())}
            assert_answered(desk.post("/people/together", many), text=text)
            together = {**many, "name": f"{uuid4()}", "confirmed": "1"}
            assert_answered(desk.post("/people/together", together, follow=True), text=text)
        for page in ("/", "/people", "/progress/", "/household", "/account"):
            assert_answered(desk.get(page), text=text)
    dora.refresh_from_db()
    assert not any(map(hidden, household.current().name + dora.full_name))


def test_in_the_exports_of_the_audit_trail(browser: Browser, alice: User, bob: User, erin: User) -> None:
    nasty_login(browser)
    requester, desk = open_session(Browser(), alice), open_session(Browser(), bob)
    for text in SENT:
        requester.post("/requests/new", form(make_csr(), device=text, note=text))
        desk.post(f"/queue/{ask(alice).pk}/decide", {"action": "reject", "reason": text})
    answer = open_session(Browser(), erin).get("/audit/trail.csv", {"q": ""})
    assert_answered(answer, text="export")
    cells = [cell for line in csv.reader(io.StringIO(body(answer))) for cell in line]
    assert len(cells) > 9 * len(SENT)
    assert not [cell for cell in cells if cell.startswith(FORMULA) or any(map(hidden, cell))]
    assert body(open_session(Browser(), erin).get("/audit/trail.json")).isascii()


def nasty_login(browser: Client) -> None:
    for text in SENT[:8]:
        browser.post("/login", {"username": text, "password": "x", "code": "123456"})


def body(answer: HttpResponse) -> str:
    return b"".join(answer.streaming_content).decode()


def test_the_list_has_sixty_and_all_that_hides() -> None:
    assert len(NASTY) >= 60
    assert {"Cc", "Cf", "Cn", "Co", "Zl", "Zp"} <= {unicodedata.category(c) for text in SENT for c in text}
