"""Unusual sign-ins: told to their owner, in words, and not so often that nobody reads it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import household, kinds, signin_news, unusual
from accounts.models import Familiar, Household, Notice, User
from audit.models import AuditEvent
from tests.conftest import Browser, let_time_pass, next_code

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
HOME, CAFE = "198.51.100.7", "203.0.113.80"


def sign_in(browser: Client, user: User, *, password: str = "correct horse battery", **extra: str) -> None:
    let_time_pass(user)
    form = {"username": user.username, "password": password, "code": next_code(user)}
    browser.post("/login", form, **extra)


def from_browser(user: User, agent: str = FIREFOX, address: str = HOME) -> Browser:
    """A browser that was never here."""
    browser = Browser(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    sign_in(browser, user)
    return browser


def wrong(user: User, times: int, address: str = CAFE) -> None:
    for _ in range(times):
        unusual.trail.record("login.failed", address=address, target=user.username)


def alarms() -> list[dict]:
    return [line.detail for line in AuditEvent.objects.filter(action=unusual.ACTION).order_by("sequence")]


def told(user: User) -> list[Notice]:
    for line in AuditEvent.objects.filter(action=unusual.ACTION).order_by("sequence"):
        signin_news.signed_in(line)
    return list(Notice.objects.filter(user=user, kind=kinds.SIGN_IN).order_by("at"))


@pytest.fixture
def anna(alice: User) -> User:
    """Somebody who has been here for a while, and signs in with one browser at home."""
    User.objects.filter(pk=alice.pk).update(created_at=timezone.now() - timedelta(days=30))
    alice.refresh_from_db()
    from_browser(alice)
    return alice


def test_the_first_sign_in_ever_is_silent(anna: User) -> None:
    assert alarms() == []


def test_the_same_browser_is_silent_wherever_it_is(alice: User, anna: User) -> None:
    browser = from_browser(anna, CHROME)
    before = len(alarms())
    for address in (HOME, CAFE):
        browser.post("/logout")
        sign_in(browser, anna, REMOTE_ADDR=address)
    assert len(alarms()) == before


def test_a_new_browser_is_told_with_time_address_browser_and_the_way_out(anna: User) -> None:
    from_browser(anna, CHROME, CAFE)
    assert [alarm["why"] for alarm in alarms()] == [["browser"]]
    (notice,) = told(anna)
    assert notice.subject == "A new browser signed in to your account"
    assert "Chrome on Linux, from 203.0.113.80, " in notice.text
    assert "Signed in with: password and app." in notice.text
    assert "open “This was not me”" in notice.text
    assert notice.link == "/not-me"
    line = AuditEvent.objects.get(action=unusual.ACTION)
    assert (line.actor, line.target, line.address) == ("alice", "alice", CAFE)
    assert CAFE not in str(line.detail)  # there it would not fade


def test_it_is_told_in_the_language_and_the_zone_of_who_reads_it(anna: User) -> None:
    household.current()
    Household.objects.update(time_zone="Pacific/Auckland")
    User.objects.filter(pk=anna.pk).update(language="de")
    from_browser(anna, CHROME, CAFE)
    line = AuditEvent.objects.get(action=unusual.ACTION)
    line.at = line.at.replace(year=2026, month=11, day=22, hour=20, minute=15)
    AuditEvent.objects.filter(pk=line.pk).update(at=line.at)
    (notice,) = told(anna)
    assert "23. November 2026" in notice.text
    assert "09:15" in notice.text
    assert "Das war nicht ich" in notice.text


def test_the_evening_of_joining_is_silent(alice: User) -> None:
    for agent, address in ((FIREFOX, HOME), (CHROME, CAFE), ("", "192.0.2.200")):
        from_browser(alice, agent, address)
    assert alarms() == []


def test_a_browser_that_keeps_no_cookies_is_told_of_once_a_month(anna: User) -> None:
    for _ in range(4):
        from_browser(anna, CHROME, CAFE)
    assert len(alarms()) == 1
    Familiar.objects.update(at=timezone.now() - timedelta(days=31))
    from_browser(anna, CHROME, CAFE)
    assert len(alarms()) == 2


def test_two_people_at_one_browser_are_both_known_to_it(anna: User, charlie: User) -> None:
    User.objects.update(created_at=timezone.now() - timedelta(days=30))
    browser = from_browser(anna, CHROME)
    for user in (charlie, anna, charlie, anna):
        browser.post("/logout")
        sign_in(browser, user)
    assert len(alarms()) == 1  # anna's first one with Chrome


def test_a_planted_cookie_makes_no_browser_known(anna: User) -> None:
    thief = Browser(HTTP_USER_AGENT=CHROME, REMOTE_ADDR=CAFE)
    own = from_browser(anna, "Mozilla/5.0 Version/18 Safari/604", HOME)
    name = next(name for name in own.cookies if name.startswith("__Host-latchkey-b-"))
    for value in ("", "0" * 32, "x" * 10_000, "\x00"):
        thief.cookies[name] = value
        before = len(alarms())
        Familiar.objects.filter(user=anna).update(at=timezone.now() - timedelta(days=31))
        sign_in(thief, anna)
        assert len(alarms()) == before + 1
        assert thief.cookies[name].value not in ("", value)
        thief.post("/logout")


def test_the_table_tells_no_browser_and_no_network(anna: User) -> None:
    browser = from_browser(anna, CHROME, CAFE)
    value = next(c.value for name, c in browser.cookies.items() if name.startswith("__Host-latchkey-b-"))
    rows = str(list(Familiar.objects.values()))
    assert value not in rows
    assert CAFE not in rows
    assert "chrome" not in rows


# Many wrong attempts


def test_a_sign_in_after_many_wrong_attempts_is_told_even_of_a_known_browser(anna: User) -> None:
    browser = from_browser(anna, CHROME)
    wrong(anna, unusual.MANY)
    browser.post("/logout")
    sign_in(browser, anna)
    assert alarms()[-1]["why"] == ["attempts"]
    assert alarms()[-1]["wrong"] == unusual.MANY
    notice = told(anna)[-1]
    assert notice.subject == "Signed in to your account after many wrong attempts"
    assert "10 attempts failed" in notice.text


def test_some_wrong_attempts_are_not_told_and_none_twice(anna: User) -> None:
    browser = from_browser(anna, CHROME)
    before = len(alarms())
    wrong(anna, unusual.MANY - 1)
    browser.post("/logout")
    sign_in(browser, anna)
    wrong(anna, unusual.MANY - 1)
    browser.post("/logout")
    sign_in(browser, anna)
    assert len(alarms()) == before


def test_real_wrong_attempts_are_counted(anna: User) -> None:
    browser = from_browser(anna)
    browser.post("/logout")
    for number in range(3):
        sign_in(browser, anna, password="wrong", REMOTE_ADDR=f"203.0.113.{number}")
    assert AuditEvent.objects.filter(action="login.failed", target="alice").count() == 3


# Officers


@pytest.fixture
def officer(bob: User) -> tuple[User, Browser]:
    User.objects.filter(pk=bob.pk).update(created_at=timezone.now() - timedelta(days=30))
    bob.refresh_from_db()
    return bob, from_browser(bob)


def test_an_officer_from_a_new_network_is_told_once_for_each(officer: tuple[User, Browser]) -> None:
    bob, browser = officer
    for address in (CAFE, "203.0.113.99", HOME):
        browser.post("/logout")
        sign_in(browser, bob, REMOTE_ADDR=address)
    assert [alarm["why"] for alarm in alarms()] == [["network"]]
    assert told(bob)[0].subject == "Signed in to your account from a new network"


def test_the_households_own_networks_are_usual(officer: tuple[User, Browser]) -> None:
    bob, browser = officer
    household.current()
    Household.objects.update(officer_networks=["203.0.113.0/24"])
    browser.post("/logout")
    sign_in(browser, bob, REMOTE_ADDR=CAFE)
    assert alarms() == []


def test_a_requester_may_travel_with_a_known_browser(anna: User) -> None:
    browser = from_browser(anna, CHROME)
    before = len(alarms())
    browser.post("/logout")
    sign_in(browser, anna, REMOTE_ADDR=CAFE)
    assert len(alarms()) == before


def test_browsers_are_forgotten_when_their_cookie_is(anna: User) -> None:
    Familiar.objects.update(at=timezone.now() - timedelta(days=399))
    assert unusual.forget() == 0
    Familiar.objects.update(at=timezone.now() - timedelta(days=401))
    assert unusual.forget() > 0


def test_each_person_chooses_where_it_goes(anna: User) -> None:
    assert kinds.SIGN_IN in {kind.name for kind in kinds.concerning(anna)}
