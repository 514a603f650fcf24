"""Where one is signed in: what is shown of it, and how it ends from elsewhere."""

import time
from collections.abc import Callable
from datetime import timedelta
from http.cookies import Morsel

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import household, people, sessions, signin_news, signins, useragent
from accounts.models import Household, Notice, SignIn, User
from audit.models import AuditEvent
from tests.conftest import Browser, next_code

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)


def at_home(user: User, agent: str = FIREFOX, address: str = "192.168.7.20") -> Browser:
    """Signed in by the real page."""
    browser = Browser(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    again(browser, user)
    return browser


def again(browser: Client, user: User) -> None:
    form = {"username": user.username, "password": "correct horse battery", "code": next_code(user)}
    assert browser.post("/login", form).status_code == 302


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


@pytest.fixture
def two(alice: User, forget_codes: Callable) -> tuple[Browser, Browser]:
    """alice's computer and her phone."""
    computer = at_home(alice)
    forget_codes(alice)
    return computer, at_home(alice, SAFARI, "203.0.113.80")


def test_sessions_are_listed_in_plain_words_and_ones_own_is_marked(two: tuple[Browser, Browser]) -> None:
    page = two[0].get("/account/sessions").content.decode()
    for words in ("Firefox on Windows", "192.168.7.20", "Safari on iPhone / iPad", "203.0.113.80"):
        assert words in page
    assert page.count("This one") == 1
    assert page.count("Sign out there") == 1
    assert page.count("password and app") == 2
    assert "signed out after 15 minutes in which you do nothing" in page
    assert "in any case" in page


def test_one_session_is_ended_and_the_other_goes_on(two: tuple[Browser, Browser], alice: User) -> None:
    computer, phone = two
    row = signins.of(alice).get(browser="safari")
    assert computer.post(f"/account/sessions/{row.pk}/end")["Location"] == "/account/sessions"
    assert is_in(computer)
    answer = phone.get("/account", follow=True)
    assert "This session was ended from elsewhere" in answer.content.decode()
    line = AuditEvent.objects.get(action="session.ended")
    assert (line.actor, line.target, line.detail) == ("alice", "alice", {"sessions": 1})


def test_all_others_are_ended_at_once(two: tuple[Browser, Browser]) -> None:
    computer, phone = two
    answer = computer.post("/account/sessions/others", follow=True)
    assert "1 session has ended." in answer.content.decode()
    assert is_in(computer)
    assert not is_in(phone)


def test_ending_ones_own_session_signs_out(two: tuple[Browser, Browser], alice: User) -> None:
    row = signins.of(alice).get(browser="firefox")
    assert two[0].post(f"/account/sessions/{row.pk}/end")["Location"] == "/login"
    assert not is_in(two[0])
    assert is_in(two[1])


def test_nobody_ends_somebody_elses_session_by_its_name(
    two: tuple[Browser, Browser], alice: User, charlie: User
) -> None:
    stranger = at_home(charlie)
    for row in signins.of(alice):
        answer = stranger.post(f"/account/sessions/{row.pk}/end", follow=True)
        assert "was over already" in answer.content.decode()
    assert is_in(two[0])
    assert is_in(two[1])


def test_who_signs_out_is_not_listed_any_more(two: tuple[Browser, Browser], alice: User) -> None:
    two[1].post("/logout")
    assert [row.browser for row in signins.of(alice)] == ["firefox"]
    page = two[0].get("/account/sessions").content.decode()
    assert "Earlier ones" in page


def test_a_session_left_alone_is_not_listed_any_more(two: tuple[Browser, Browser], alice: User) -> None:
    long_ago = timezone.now() - timedelta(minutes=16)
    SignIn.objects.filter(browser="safari").update(seen_at=long_ago)
    assert [row.browser for row in signins.of(alice)] == ["firefox"]


def test_the_list_survives_a_new_session_key(two: tuple[Browser, Browser], alice: User) -> None:
    computer, phone = two
    before = computer.cookies[settings.SESSION_COOKIE_NAME].value
    computer.post("/account/password", {"old": "correct horse battery", "new": "entirely new words 7"})
    assert computer.cookies[settings.SESSION_COOKIE_NAME].value != before
    assert is_in(computer)
    assert not is_in(phone)
    assert computer.get("/account/sessions").content.decode().count("This one") == 1
    assert [row.browser for row in signins.of(alice)] == ["firefox"]


def test_no_session_key_stands_in_the_list(two: tuple[Browser, Browser]) -> None:
    keys = [browser.cookies[settings.SESSION_COOKIE_NAME].value for browser in two]
    rows = str(list(SignIn.objects.values())) + two[0].get("/account/sessions").content.decode()
    assert not [key for key in keys if key in rows]


def test_a_row_of_somebody_elses_keeps_no_session_alive(two: tuple[Browser, Browser], charlie: User) -> None:
    theirs = at_home(charlie).session[signins.KEY]
    session = two[0].session
    session[signins.KEY] = theirs
    session.save()
    assert not is_in(two[0])


def test_a_session_from_before_there_were_rows_signs_in_again(two: tuple[Browser, Browser]) -> None:
    for odd in (None, "", "x", "0" * 32):
        session = two[0].session
        session[signins.KEY] = odd
        session.save()
        assert not is_in(two[0])


def test_being_there_is_noted_once_a_minute(two: tuple[Browser, Browser]) -> None:
    row = SignIn.objects.get(browser="firefox")
    two[0].get("/account")
    assert SignIn.objects.get(pk=row.pk).seen_at == row.seen_at
    session = two[0].session
    session["seen_at"] = time.time() - 61
    session.save()
    two[0].get("/account")
    assert SignIn.objects.get(pk=row.pk).seen_at > row.seen_at


# Somebody else's


def test_an_officer_sees_how_many_and_ends_them_with_a_fresh_code(
    two: tuple[Browser, Browser], alice: User, bob: User, sign_in: Callable, code_for: Callable
) -> None:
    officer = sign_in(Browser(), bob, fresh=False)
    page = officer.get(f"/people/{alice.pk}").content.decode()
    assert f'2. <a href="/people/{alice.pk}/sessions">' in page
    path = f"/people/{alice.pk}/sessions"
    assert "192.168.7.20" not in officer.get(path).content.decode()  # where she is, is her business
    assert officer.post(path).status_code == 400
    assert is_in(two[0])
    assert officer.post(path, {"code": code_for(bob)})["Location"] == f"/people/{alice.pk}"
    assert not is_in(two[0])
    assert not is_in(two[1])
    line = AuditEvent.objects.get(action="session.ended")
    assert (line.actor, line.target, line.detail) == ("bob", "alice", {"sessions": 2})
    signin_news.TELLERS[line.action](line)
    told = Notice.objects.get(user=alice)
    assert told.subject == "You were signed out everywhere"
    assert "bob ended every session of yours" in told.text


def test_ones_own_are_ended_on_ones_own_page(bob: User, sign_in: Callable) -> None:
    officer = sign_in(Browser(), bob)
    assert officer.get(f"/people/{bob.pk}/sessions")["Location"] == "/account/sessions"


def test_nobody_is_told_that_they_ended_their_own(two: tuple[Browser, Browser]) -> None:
    two[0].post("/account/sessions/others")
    signin_news.ended(AuditEvent.objects.get(action="session.ended"))
    assert not Notice.objects.exists()


def test_who_is_let_in_again_does_not_go_on_where_they_were(
    two: tuple[Browser, Browser], alice: User, dora: User
) -> None:
    people.set_active(alice, False, by=dora)
    people.set_active(alice, True, by=dora)
    assert not is_in(two[0])
    assert signins.of(alice).count() == 0


def test_a_longer_limit_revives_no_session_that_was_ended(two: tuple[Browser, Browser], alice: User) -> None:
    Household.objects.update(idle_minutes=5)
    session = two[1].session
    session["seen_at"] = time.time() - 600
    session.save()
    SignIn.objects.filter(browser="safari").update(seen_at=timezone.now() - timedelta(minutes=10))
    assert [row.browser for row in signins.of(alice)] == ["firefox"]
    two[0].post("/account/sessions/others")
    Household.objects.update(idle_minutes=60)
    assert not is_in(two[1])


# How long they last


def morsel(browser: Client) -> Morsel:
    return browser.cookies[settings.SESSION_COOKIE_NAME]


def test_cookies_belong_to_this_host_alone_and_to_no_script(two: tuple[Browser, Browser]) -> None:
    for name, cookie in two[0].cookies.items():
        assert name.startswith("__Host-"), name
        assert cookie["secure"], name
        assert cookie["path"] == "/", name
        assert not cookie["domain"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] in ("Lax", "Strict"), name


def test_the_household_says_how_long_a_session_may_be_left_alone(alice: User) -> None:
    household.current()
    Household.objects.update(idle_minutes=5, session_hours=1)
    browser = at_home(alice)
    assert morsel(browser)["max-age"] == 300
    session = browser.session
    session["seen_at"] = time.time() - 301
    session.save()
    assert not is_in(browser)


def test_the_household_says_how_long_a_session_lasts_however_busy(alice: User) -> None:
    household.current()
    Household.objects.update(session_hours=1)
    browser = at_home(alice)
    session = browser.session
    session["signed_in_at"] = time.time() - 3601
    session.save()
    assert not is_in(browser)


def test_a_longer_time_counts_for_sessions_that_are_open_too(alice: User) -> None:
    browser = at_home(alice)
    Household.objects.update(idle_minutes=60)
    session = browser.session
    session["seen_at"] = time.time() - 20 * 60
    session.save()
    assert is_in(browser)
    assert morsel(browser)["max-age"] == 3600


def test_what_can_be_chosen_stays_within_bounds() -> None:
    assert max(sessions.IDLE_CHOICES) <= 60
    assert max(sessions.HOURS_CHOICES) <= 12


# This was not me


def test_who_says_it_was_not_them_ends_everything_else_and_chooses_a_new_password(
    two: tuple[Browser, Browser],
) -> None:
    computer, phone = two
    assert "Every session but this one ends now" in computer.get("/not-me").content.decode()
    answer = computer.post("/not-me", follow=True)
    assert answer.redirect_chain == [("/account/password", 302)]
    assert "Now choose a new password." in answer.content.decode()
    assert not is_in(phone)
    assert AuditEvent.objects.get(action="login.disowned").detail == {"sessions": 1}


def test_who_cannot_sign_in_any_more_is_led_on(browser: Client) -> None:
    page = browser.get("/not-me").content.decode()
    assert 'href="/login?next=/not-me"' in page
    assert 'href="/back"' in page
    assert browser.post("/not-me").status_code == 200


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (SAFARI, "Safari on iPhone / iPad"),
        ("curl/8.5.0", "A browser"),
        ("", "A browser"),
        ("x" * 5000 + "Firefox/1 Windows", "A browser"),
        ("Mozilla/5.0 (X11; Linux x86_64) \x00\u202e Chrome/140.0 Safari/537.36", "Chrome on Linux"),
    ],
)
def test_a_browser_is_named_in_plain_words(agent: str, words: str) -> None:
    assert useragent.read(agent).words == words
