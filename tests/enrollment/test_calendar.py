"""The calendar under a secret address, read by the icalendar package; and the page of the reminder days."""

import re
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from accounts import household
from accounts.models import CalendarLink, User
from enrollment import calendar, ra, reminders
from pki.models import Certificate
from tests.enrollment.acts import HERE, ask, thing

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[..., Client]


def certificate_of(owner: User, by: User, device: str = "") -> Certificate:
    found = ra.approve(request=ask(owner, device or thing()), by=by, address=HERE).certificate
    assert found is not None
    return found


def link(browser: Client, **choice: str) -> str:
    """A new one, as its page shows it."""
    page = browser.post("/account/calendar", choice, follow=True).content.decode()
    found = re.search(r"https://[^/]+(/calendar/[\w-]+\.ics)", page)
    assert found
    assert found[0] not in browser.get("/account/calendar").content.decode()  # once
    return found[1]


def events(path: str) -> dict[str, object]:
    """Summary -> event, read without any session."""
    answer = Client().get(path, secure=True)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "no-store" in answer.headers["Cache-Control"]
    text = answer.content
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert b"\n" not in text.replace(b"\r\n", b"")
    read = Calendar.from_ical(text)
    assert not read.errors
    return {str(event["SUMMARY"]): event for event in read.walk("VEVENT")}


def test_it_shows_when_ones_own_certificates_end(
    signer: Path, browser: Client, sign_in: SignIn, alice: User, charlie: User, bob: User
) -> None:
    mine = certificate_of(alice, bob, f"Küche; groß, {'ü' * 12} {thing()}")
    certificate_of(charlie, bob)
    found = events(link(sign_in(browser, alice)))
    assert list(found) == [f"Certificate ends: {mine.subject}"]
    (event,) = found.values()
    assert event["DTSTART"].dt == mine.not_after.astimezone(UTC).replace(microsecond=0)
    assert str(event["URL"]).endswith(f"/requests/{mine.request_id}")
    assert CalendarLink.objects.get().read_at is not None


def test_an_officer_may_have_everybodys(
    signer: Path, browser: Client, sign_in: SignIn, alice: User, bob: User
) -> None:
    hers = certificate_of(alice, bob)
    assert not events(link(sign_in(browser, bob)))
    path = link(browser, everybody="on")
    assert list(events(path)) == [f"Certificate ends: {hers.subject}"]
    User.objects.filter(pk=bob.pk).update(is_officer=False)
    assert not events(path)


def test_who_is_no_officer_gets_their_own_whatever_they_send(
    signer: Path, browser: Client, sign_in: SignIn, alice: User, charlie: User, bob: User
) -> None:
    certificate_of(charlie, bob)
    assert not events(link(sign_in(browser, alice), everybody="on"))


def test_revoked_and_expired_ones_are_left_out(
    signer: Path, alice: User, bob: User, browser: Client, sign_in: SignIn
) -> None:
    gone, over = certificate_of(alice, bob), certificate_of(alice, bob)
    Certificate.objects.filter(pk=gone.pk).update(revoked_at=timezone.now(), reason="superseded")
    Certificate.objects.filter(pk=over.pk).update(not_after=timezone.now() - timedelta(days=1))
    assert not events(link(sign_in(browser, alice)))


def test_a_link_ends_when_withdrawn_replaced_or_its_account_is_closed(
    browser: Client, sign_in: SignIn, alice: User
) -> None:
    first = link(sign_in(browser, alice))
    assert CalendarLink.objects.get().digest not in first  # only a digest is kept
    second = link(browser)
    assert Client().get(first, secure=True).status_code == 404
    assert Client().get(second, secure=True).status_code == 200
    browser.post("/account/calendar/withdraw")
    assert Client().get(second, secure=True).status_code == 404
    token = calendar.make(alice, everybody=False, address=HERE)
    User.objects.update(is_active=False)
    assert calendar.find(token) is None


def test_the_reminder_days_are_set_by_profile(browser: Client, sign_in: SignIn, dora: User) -> None:
    sign_in(browser, dora)
    page = browser.get("/household/reminders").content.decode()
    assert page.count('value="30, 14, 7, 1"') == 4
    typed = {"tls-client": "60 7, 7", "tls-server": "", "mqtt-client": "30, 14, 7, 1", "mqtt-broker": "1"}
    assert browser.post("/household/reminders", typed).status_code == 302
    plan = {"tls-client": [60, 7], "tls-server": [], "mqtt-broker": [1]}
    assert household.current().reminder_days == plan
    assert reminders.days_of("tls-server") == []


@pytest.mark.parametrize("typed", ["soon", "0", "1000", "-3", "1.5", "1 2 3 4 5 6 7 8 9", "٣"])
def test_other_days_are_refused_and_kept(browser: Client, sign_in: SignIn, dora: User, typed: str) -> None:
    answer = sign_in(browser, dora).post("/household/reminders", {"tls-client": typed})
    assert answer.status_code == 400
    assert f'value="{typed}"' in answer.content.decode()
    assert household.current().reminder_days == {}
