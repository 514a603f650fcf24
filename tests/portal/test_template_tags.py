"""Dates, fingerprints and states as pages write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from portal.templatetags import latchkey

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def the_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (timedelta(seconds=-20), "just now, 09:29"),
        (timedelta(minutes=-1), "1 minute ago, 09:29"),
        (timedelta(minutes=-5), "5 minutes ago, 09:25"),
        (timedelta(hours=-3), "3 hours ago, 06:30"),
        (timedelta(hours=-14), "14 hours ago, 22 November 2026, 19:30"),
        (timedelta(days=-1), "1 day ago, 22 November 2026"),
        (timedelta(days=12), "in 12 days, 5 December 2026"),
        (timedelta(days=89), "in 3 months, 20 February 2027"),
        (timedelta(days=365), "in 12 months, 23 November 2027"),
        (timedelta(days=3650), "in 10 years, 20 November 2036"),
    ],
)
def test_a_date_is_relative_with_the_absolute_one_beside_it(ahead: timedelta, text: str) -> None:
    assert f">{text}</time>" in latchkey.since(NOW + ahead)


def test_a_date_is_told_in_the_household_s_time_zone() -> None:
    with timezone.override(ZoneInfo("Europe/Vienna")):
        html = latchkey.since(NOW - timedelta(minutes=5))
    assert 'datetime="2026-11-23T10:25:00+01:00"' in html
    assert "5 minutes ago, 10:25" in html


def test_after_until_the_date_comes_first() -> None:
    assert ">5 December 2026, in 12 days</time>" in latchkey.dated(NOW + timedelta(days=12))


def test_an_exact_date_names_its_zone() -> None:
    assert ">23 November 2026, 09:30:00 UTC</time>" in latchkey.exactly(NOW)


def test_no_date_shows_nothing() -> None:
    assert [latchkey.since(None), latchkey.dated(None), latchkey.exactly(None)] == ["", "", ""]


@pytest.mark.parametrize(
    ("days", "text"),
    [(0, "today"), (1, "tomorrow"), (12, "in 12 days"), (-1, "yesterday"), (-3, "3 days ago")],
)
def test_days_are_counted_by_the_calendar(days: int, text: str) -> None:
    assert latchkey.in_days(NOW + timedelta(days=days)) == text


def test_a_fingerprint_stands_in_groups_of_four() -> None:
    assert latchkey.grouped("9f86d081884c7d65") == "9f86 d081 884c 7d65"


@pytest.mark.parametrize(
    ("status", "css", "word"),
    [
        ("pending", "waiting", "Waiting"),
        ("approved", "approved", "Approved, waiting for the CA"),
        ("rejected", "refused", "Refused"),
        ("question", "question", "Question for you"),
        ("hold", "hold", "On hold"),
        ("ending", "ending", "ending"),
    ],
)
def test_the_same_state_has_the_same_word_everywhere(status: str, css: str, word: str) -> None:
    assert (latchkey.state_class(status), latchkey.state_word(status)) == (css, word)


def test_a_request_s_status_and_its_page_use_the_same_word() -> None:
    from_the_model = {
        "pending": "Waiting",
        "issued": "Issued",
        "rejected": "Refused",
        "withdrawn": "Withdrawn",
    }
    assert {status: latchkey.state_word(status) for status in from_the_model} == from_the_model
