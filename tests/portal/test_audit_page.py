"""The audit trail's page and exports."""

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from audit import fading, trail
from audit.models import AuditEvent
from portal.views.audit import PAGE
from tests.audit.changes import UNREADABLE, fill, spoil
from tests.conftest import Browser, open_session
from tests.nasty import NASTY

pytestmark = pytest.mark.django_db


def rows(page: str) -> int:
    return page.count('data-label="When"')


def test_an_auditor_reads_the_newest_lines_first_and_pages_by_key(browser: Browser, erin: User) -> None:
    for number in range(PAGE + 10):
        trail.record("request.submitted", actor="alice", target=f"thing-{number}")
    open_session(browser, erin)
    first = browser.get("/audit").content.decode()
    assert rows(first) == PAGE
    assert first.index(f"thing-{PAGE + 9}") < first.index(f"thing-{PAGE + 8}")
    second = browser.get(f"/audit?before={PAGE + 10 - PAGE + 1}").content.decode()
    assert "thing-0" in second
    assert "thing-59" not in second


def test_the_filters_live_in_the_address(browser: Browser, erin: User) -> None:
    trail.record("login.failed", actor="mallory", address="203.0.113.9")
    trail.record("request.approved", actor="bob", target="a-request")
    open_session(browser, erin)
    assert rows(browser.get("/audit?actor=mallory").content.decode()) == 1
    assert rows(browser.get("/audit?action=request").content.decode()) == 1
    assert rows(browser.get("/audit?q=203.0.113").content.decode()) == 1
    assert rows(browser.get("/audit?since=2001-01-01&until=2001-01-02").content.decode()) == 0
    assert "No line of the trail fits" in browser.get("/audit?q=nothing-like-it").content.decode()


@pytest.mark.parametrize(
    "query", ["since=yesterday", "before=x", "before=0", "until=9999-12-31", "q=" + "x" * 500]
)
def test_nonsense_in_the_address_is_answered_with_a_page(browser: Browser, erin: User, query: str) -> None:
    open_session(browser, erin)
    assert browser.get(f"/audit?{query}").status_code == 200


def test_the_csv_has_all_lines_and_no_cell_runs_as_a_formula(browser: Browser, erin: User) -> None:
    for nasty in ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", 'a"b,c\nd'):
        trail.record("login.failed", actor=nasty, target=nasty)
    open_session(browser, erin)
    response = browser.get("/audit/trail.csv")
    assert "attachment" in response["Content-Disposition"]
    lines = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert len(lines) == AuditEvent.objects.count() + 1
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert not [cell for line in lines for cell in line if "\n" in cell]


def test_no_cell_runs_where_spreadsheets_begin_a_new_one_at_a_semicolon(browser: Browser, erin: User) -> None:
    for nasty in ("a;=cmd|' /C calc'!A0", 'a; "@SUM(A1)', "\uff1d1+1"):
        trail.record("login.failed", target=nasty)
    open_session(browser, erin)
    text = b"".join(browser.get("/audit/trail.csv").streaming_content).decode()
    assert not re.search(r"[;|][\s\"]*[=+@-]|,\uff1d", text)


def test_the_json_has_every_field_so_that_digests_can_be_recomputed(browser: Browser, erin: User) -> None:
    trail.record("request.submitted", actor="alice", detail={"names": ["a", "b"]})
    open_session(browser, erin)
    lines = json.loads(b"".join(browser.get("/audit/trail.json").streaming_content))
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(later["previous"] == line["digest"] for line, later in zip(lines, lines[1:], strict=False))
    assert lines[0]["detail"] == {"names": ["a", "b"]}


def test_an_export_is_itself_a_line(browser: Browser, erin: User) -> None:
    open_session(browser, erin)
    browser.get("/audit/trail.csv?actor=alice")
    last = AuditEvent.objects.order_by("-sequence")[0]
    assert (last.action, last.actor) == ("audit.exported", "erin")
    assert last.detail["filters"] == {"actor": "alice"}


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_nasty_text_is_shown_as_text(browser: Browser, erin: User, nasty: str) -> None:
    trail.record("login.failed", actor=nasty, target=nasty, detail={"typed": nasty})
    open_session(browser, erin)
    page = browser.get("/audit").content.decode()
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "\0" not in page


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's columns take text alone")
@pytest.mark.parametrize(("column", "value"), UNREADABLE)
def test_a_line_that_cannot_be_read_hides_no_other_and_the_page_says_that_the_trail_is_broken(
    browser: Browser, erin: User, column: str, value: str
) -> None:
    open_session(browser, erin)
    fill(3)
    number = AuditEvent.objects.get(target="target 1").sequence
    spoil(number, column, value)
    page = browser.get("/audit")
    html = page.content.decode()
    assert page.status_code == 200 and "The audit trail is broken." in html
    assert "target 0" in html and "target 2" in html and "target 1" not in html
    assert html.count("This line cannot be read any more.") == 1
    lines = json.loads(b"".join(browser.get("/audit/trail.json").streaming_content))
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[number - 1] == {"sequence": number, "action": "(damaged)"}
    table = list(
        csv.reader(io.StringIO(b"".join(browser.get("/audit/trail.csv").streaming_content).decode()))
    )
    assert table[number] == [str(number), "", "", "", "(damaged)"] and len(table) > len(lines)


def test_a_line_that_somebody_changed_is_marked(browser: Browser, erin: User) -> None:
    open_session(browser, erin)
    fill(3)
    whole = browser.get("/audit").content.decode()
    assert "damaged" not in whole and "broken" not in whole
    AuditEvent.objects.filter(target="target 1").update(target="eve", detail=["no", "mapping"])
    assert browser.get("/audit").content.decode().count(">damaged</span>") == 1
    AuditEvent.objects.filter(target="target 2").update(actor="eve")
    changed = browser.get("/audit").content.decode()
    assert changed.count(">damaged</span>") == 2 and "eve" in changed and "is broken" in changed


def test_lines_that_faded_are_not_damaged(browser: Browser, erin: User) -> None:
    fill(3)
    assert fading.fade(timezone.now(), days=1)
    open_session(browser, erin)
    page = browser.get("/audit").content.decode()
    assert "faded" in page and "damaged" not in page
