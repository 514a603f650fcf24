"""The audit trail's page and exports."""

import csv
import io
import json
import re

import pytest

from accounts.models import User
from audit import trail
from audit.models import AuditEvent
from portal.views.audit import PAGE
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
