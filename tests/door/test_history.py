"""The history of presses: whose, in what order, filtered, and as files nothing runs."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from door import history, manage
from door.history import COLUMNS, LOOKS, Wanted
from door.models import Door, Outcome, Press
from tests.door.acts import live_in, make_door, pressed
from tests.nasty import NASTY

SignIn = Callable[..., Client]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def front(bob: User) -> Door:
    return make_door(bob)


def text_of(answer: HttpResponse) -> str:
    return b"".join(answer.streaming_content).decode()


def found(**wanted: object) -> list[Press]:
    return list(history.presses(Wanted(**wanted)))


def test_newest_first_and_pages_by_keyset_lose_and_double_nothing(alice: User, front: Door) -> None:
    for number in range(25):
        pressed(alice, front, at=NOON + timedelta(minutes=number // 5))  # five of each moment
    whole, walked, after = found(), [], ""
    while page := list(history.presses(Wanted(after=after))[:4]):
        walked += page
        after = history.place_of(page[-1])
    assert walked == whole and len(whole) == 25
    assert whole == sorted(whole, key=lambda press: (press.at, press.pk.hex), reverse=True)


@pytest.mark.parametrize(
    "after", ["x", "_", "2026", "0001-01-01T00:00:00+14:00_x", "\0", f"9999-12-31_{UUID(int=0)}"]
)
def test_a_place_that_was_not_ours_breaks_nothing(after: str, alice: User, front: Door) -> None:
    made = pressed(alice, front)
    assert found(after=after) == [made]


def test_filters(alice: User, charlie: User, bob: User, front: Door) -> None:
    gate = make_door(bob, "Gate")
    mine = pressed(alice, front, Outcome.WRONG_PIN, device="Alice\u2019s watch")
    other = pressed(charlie, gate)
    assert found(user=alice) == found(door="front-door") == found(outcome="wrong-pin") == [mine]
    assert found(q="watch") == found(q="ALICE") == found(q="front alice") == [mine]
    assert found(q="gate") == found(q="charl") == [other]
    assert found(door="nothing") == found(q="front charlie") == []
    assert len(found(q="")) == 2
    for text in NASTY:
        found(q=text.encode("utf-8", "replace").decode())


def test_days_are_those_of_the_household(alice: User, front: Door) -> None:
    live_in("Europe/Vienna")
    late = pressed(alice, front, at=datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    assert found(since=date(2026, 11, 24), until=date(2026, 11, 24)) == [late]
    assert found(until=date(2026, 11, 23)) == []
    assert found(since=date.min, until=date.max) == [late]


def test_every_outcome_has_its_shape() -> None:
    assert set(LOOKS) == set(Outcome)


def test_everybody_sees_their_own_and_who_watches_sees_all(
    browser: Client,
    sign_in: SignIn,
    alice: User,
    charlie: User,
    bob: User,
    erin: User,
    dora: User,
    front: Door,
) -> None:
    gate = make_door(bob, "Gate")
    pressed(alice, front, device="Alice\u2019s phone")
    pressed(charlie, gate, device="Charlie\u2019s phone")
    for person in (bob, erin, dora):
        page = sign_in(browser, person).get("/doors/history").content.decode()
        assert "Alice\u2019s phone" in page and "Charlie\u2019s phone" in page and "Alice (alice)" in page
    for path in ("/doors/history", "/doors/history?door=gate", "/doors/history?q=charlie"):
        page = sign_in(browser, alice).get(path).content.decode()
        assert "Charlie" not in page and "Gate" not in page
    assert [line["user"] for line in json.loads(text_of(browser.get("/doors/history.json")))] == ["alice"]


def test_a_page_of_fifty_links_to_the_older_ones_and_asks_few_questions(
    browser: Client,
    sign_in: SignIn,
    alice: User,
    front: Door,
    django_assert_max_num_queries: Callable,
) -> None:
    for number in range(51):
        pressed(alice, front, at=NOON - timedelta(minutes=number), device=f"phone {number}.")
    sign_in(browser, alice)
    with django_assert_max_num_queries(11):
        answer = browser.get("/doors/history?outcome=opened", HTTP_ACCEPT_LANGUAGE="en")
    page = answer.content.decode()
    assert "phone 49." in page and "phone 50." not in page
    older = answer.context["older"]
    assert "outcome=opened" in older
    page = browser.get(f"/doors/history{older}").content.decode()
    assert "phone 50." in page and "phone 49." not in page


def test_an_empty_history_says_what_will_be_here(browser: Client, sign_in: SignIn, alice: User) -> None:
    sign_in(browser, alice)
    assert "Here will be every press" in browser.get("/doors/history").content.decode()
    assert "No press matches" in browser.get("/doors/history?q=x").content.decode()
    page = browser.get("/doors/history?since=tomorrow&outcome=x")
    assert page.status_code == 200 and "Enter a valid date" in page.content.decode()


def test_history_outlives_its_door(
    browser: Client, sign_in: SignIn, alice: User, bob: User, front: Door
) -> None:
    pressed(alice, front)
    manage.retire(front, by=bob)
    page = sign_in(browser, bob).get("/doors/history?door=front-door").content.decode()
    assert "Front door (retired)" in page and "Alice (alice)" in page


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_has_every_line_and_is_a_line_of_the_audit(
    form: str, browser: Client, sign_in: SignIn, alice: User, erin: User, front: Door
) -> None:
    for _ in range(60):
        pressed(alice, front)
    answer = sign_in(browser, erin).get(f"/doors/history.{form}?door=front-door")
    text = text_of(answer)
    lines = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 60 and tuple(lines[0]) == COLUMNS
    assert lines[0]["at"].endswith("+00:00") and lines[0]["outcome"] == "opened"
    assert answer["Content-Disposition"] == f'attachment; filename="latchkey-doors.{form}"'
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.actor) == ("door.exported", "erin")
    assert event.detail == {"format": form, "filters": {"door": "front-door"}, "own": False}


def test_no_cell_of_the_csv_runs_or_hides(alice: User, front: Door) -> None:
    for text in NASTY:
        pressed(alice, front, device=text.replace("\0", "").encode("utf-8", "replace").decode()[:64])
    text = "".join(history.as_csv(found()))
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))]
    assert all(cell.isprintable() for cell in cells)


def test_another_format_is_not_found(browser: Client, sign_in: SignIn, bob: User) -> None:
    assert sign_in(browser, bob).get("/doors/history.xls").status_code == 404


@pytest.mark.parametrize("narrowed", [{}, {"door": "front-door"}, {"outcome": "denied"}])
def test_no_page_needs_sorting_however_many_presses_there_are(narrowed: dict[str, str], front: Door) -> None:
    assert "TEMP B-TREE" not in history.presses(Wanted(**narrowed))[:31].explain()
