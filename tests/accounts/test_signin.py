"""Signing in: one page, one flow, one message."""

import re
import time
from collections.abc import Callable
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.http import HttpResponse
from django.test import Client

from accounts import recovery, signin, throttle
from accounts.models import RecoveryCode, Throttle, User
from audit.models import AuditEvent
from tests.accounts.test_totp import in_parallel
from tests.conftest import Browser

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def log_in(browser: Client, username: str, code: str, password: str = PASSWORD, **more: str) -> HttpResponse:
    return browser.post("/login", {"username": username, "password": password, "code": code, **more})


def test_password_and_code_on_one_page_open_the_portal(
    browser: Client, alice: User, code_for: Callable
) -> None:
    answer = log_in(browser, "alice", code_for(alice))
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert browser.get("/account").status_code == 200


def test_blanks_in_the_code_and_capitals_in_the_name_are_accepted(
    browser: Client, alice: User, code_for: Callable
) -> None:
    code = code_for(alice)
    assert log_in(browser, " Alice ", f"{code[:3]} {code[3:]} ").status_code == 302


def test_a_login_is_written_to_the_audit_with_address_and_factor(
    browser: Client, alice: User, code_for: Callable
) -> None:
    log_in(browser, "alice", code_for(alice))
    line = AuditEvent.objects.get(action="login.ok")
    assert (line.actor, line.address, line.detail) == ("alice", "127.0.0.1", {"factor": "totp"})


def test_signing_in_changes_the_session_key(browser: Client, alice: User, code_for: Callable) -> None:
    browser.get("/account")
    session = browser.session
    session["planted"] = "x"
    session.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = before = session.session_key
    log_in(browser, "alice", code_for(alice))
    assert browser.session.session_key != before
    assert "planted" not in browser.session


def test_the_way_back_leads_to_this_portal_only(browser: Client, alice: User, code_for: Callable) -> None:
    evil = [
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "/\\evil.example",
        "http://testserver/x",
    ]
    for target in evil:
        page = browser.get("/login", {"next": target})
        assert 'name="next" value="/"' in page.content.decode()
    assert log_in(browser, "alice", code_for(alice), next="/people?q=1")["Location"] == "/people?q=1"


def test_somebody_signed_in_is_not_asked_again(browser: Client, alice: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    assert browser.get("/login", {"next": "/account"})["Location"] == "/account"


def wrong_attempts(alice: User, code_for: Callable) -> dict[str, tuple[str, str, str]]:
    return {
        "unknown name": ("nobody", PASSWORD, "123456"),
        "wrong password": ("alice", "wrong horse battery", code_for(alice)),
        "wrong code": ("alice", PASSWORD, "000000"),
        "recovery code of nobody": ("alice", PASSWORD, "aaaa-bbbb-cccc"),
        "deactivated": ("gone", PASSWORD, "123456"),
    }


def test_whatever_is_wrong_the_answer_is_the_same(browser: Client, alice: User, code_for: Callable) -> None:
    User.objects.create_user("gone", PASSWORD, is_active=False)
    pages = {}
    for what, (username, password, code) in wrong_attempts(alice, code_for).items():
        Throttle.objects.all().delete()
        answer = log_in(browser, username, code, password)
        text = answer.content.decode().replace(username, "NAME")
        pages[what] = (answer.status_code, without_csrf(text))
    assert {status for status, _ in pages.values()} == {400}
    assert len(set(pages.values())) == 1
    assert "That did not work." in text


def without_csrf(text: str) -> str:
    return re.sub('(name="csrfmiddlewaretoken" value=")[^"]*', r"\1", text)


def test_the_hasher_runs_exactly_once_whatever_is_wrong(
    browser: Client, alice: User, code_for: Callable
) -> None:
    User.objects.create_user("gone", PASSWORD, is_active=False)
    for what, (username, password, code) in wrong_attempts(alice, code_for).items():
        Throttle.objects.all().delete()
        with mock.patch.object(
            MD5PasswordHasher, "encode", autospec=True, side_effect=MD5PasswordHasher.encode
        ) as runs:
            log_in(browser, username, code, password)
        assert runs.call_count == 1, what


def test_a_typed_name_is_kept_and_nothing_else(browser: Client, alice: User) -> None:
    page = log_in(browser, "aliec", "123 456", "secret words here").content.decode()
    assert 'value="aliec"' in page
    assert "secret words here" not in page


def test_a_failed_login_is_recorded_on_one_line_and_without_the_password(browser: Client, db: None) -> None:
    log_in(browser, "eve\u202e\nadmin" + "x" * 100, "123456", "secret words here")
    line = AuditEvent.objects.get(action="login.failed")
    assert line.actor == ""
    assert line.target.startswith("eve\\u{202E}\\u{A}admin")
    assert len(line.target) == 64
    assert "secret words" not in str(line.detail)


@pytest.mark.parametrize("field", ["username", "password", "code"])
@pytest.mark.parametrize("value", ["", "\x00", "x" * 100_000, "\u202e", "😀" * 30, "1" * 40])
def test_nasty_input_is_a_sentence_and_not_a_crash(
    browser: Client, alice: User, field: str, value: str
) -> None:
    answer = browser.post(
        "/login", {"username": "alice", "password": PASSWORD, "code": "123456", field: value}
    )
    assert answer.status_code == 400
    assert "error-summary" in answer.content.decode()


def test_a_recovery_code_opens_the_portal_once(browser: Client, alice: User, totp_device: Callable) -> None:
    totp_device(alice)
    codes = recovery.renew(alice)
    answer = log_in(browser, "alice", codes[0].upper().replace("-", " "))
    assert answer["Location"] == "/account"
    assert "9 are left" in browser.get("/account").content.decode()
    assert AuditEvent.objects.get(action="recovery.used").detail == {"left": 9}
    browser.post("/logout")
    assert log_in(browser, "alice", codes[0]).status_code == 400
    assert RecoveryCode.objects.count() == 9


def test_a_good_recovery_code_is_no_failure_of_the_app(
    browser: Client, alice: User, totp_device: Callable
) -> None:
    totp_device(alice)
    log_in(browser, "alice", recovery.renew(alice)[3])
    assert totp_device(alice).throttling_failure_count == 0


def test_a_used_code_does_not_sign_in_again(browser: Client, alice: User, code_for: Callable) -> None:
    code = code_for(alice)
    log_in(browser, "alice", code)
    browser.post("/logout")
    assert log_in(browser, "alice", code).status_code == 400


def test_signing_out_ends_the_session(browser: Client, alice: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    old = browser.cookies[settings.SESSION_COOKIE_NAME].value
    assert browser.get("/logout").status_code == 405
    assert browser.post("/logout")["Location"] == "/login"
    browser.cookies[settings.SESSION_COOKIE_NAME] = old
    assert browser.get("/account").status_code == 302
    assert AuditEvent.objects.get(action="logout").actor == "alice"


def test_after_three_free_failures_people_wait_and_are_told_how_long(
    browser: Client, alice: User, code_for: Callable
) -> None:
    for _ in range(6):
        Throttle.objects.update(last_at=throttle.timezone.now() - throttle.timedelta(minutes=1))
        assert log_in(browser, "alice", "123456", "wrong").status_code == 400
    answer = log_in(browser, "alice", code_for(alice))
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) in (3, 4)
    assert f"Try again in {answer['Retry-After']} seconds." in answer.content.decode()
    Throttle.objects.update(last_at=throttle.timezone.now() - throttle.timedelta(seconds=5))
    assert log_in(browser, "alice", code_for(alice)).status_code == 302


def test_unknown_names_wait_like_known_ones(browser: Client, alice: User) -> None:
    seen = {}
    for name in ("alice", "nobody"):
        Throttle.objects.all().delete()
        seen[name] = [log_in(browser, name, "123456", "wrong").status_code for _ in range(6)]
    assert seen["alice"] == seen["nobody"] == [400, 400, 400, 400, 429, 429]


def test_a_stranger_elsewhere_cannot_lock_somebody_out(
    browser: Client, alice: User, code_for: Callable
) -> None:
    guess = {"username": "alice", "password": "wrong", "code": "123456"}
    for n in range(60):
        browser.post("/login", guess, REMOTE_ADDR=f"198.51.100.{n}")
    name = Throttle.objects.get(key__startswith="name ")
    assert throttle._wait(name, throttle.NAME, throttle.timezone.now()) <= 30
    Throttle.objects.update(last_at=throttle.timezone.now() - throttle.timedelta(seconds=31))
    assert log_in(browser, "alice", code_for(alice)).status_code == 302


def test_a_browser_in_which_one_has_signed_in_does_not_wait_for_strangers(
    browser: Client, alice: User, code_for: Callable, forget_codes: Callable
) -> None:
    log_in(browser, "alice", code_for(alice))
    browser.post("/logout")
    forget_codes(alice)
    keys = throttle.keys_for("alice", "127.0.0.1")
    for _ in range(40):
        throttle.begin(keys)
    assert throttle.begin(keys) > 0
    assert log_in(browser, "alice", code_for(alice)).status_code == 302


def test_a_recovery_code_that_works_does_not_wait_for_strangers(browser: Client, alice: User) -> None:
    """Somebody hammers the name from the same address all the time; the browser is a new one."""
    code, wrong = recovery.renew(alice)[0], "abcd-efgh-jkmn"
    for _ in range(60):
        throttle.begin(throttle.keys_for("alice", "127.0.0.1"))
    assert log_in(browser, "alice", wrong).status_code == 429
    assert log_in(browser, "charlie", code).status_code != 302
    assert log_in(browser, "alice", code).status_code == 302
    assert log_in(Browser(), "alice", code).status_code == 429  # it works once


def test_with_a_found_recovery_code_passwords_are_guessed_no_faster(browser: Client, alice: User) -> None:
    """From however many addresses; and whoever has one code holds up none of the others."""
    code, other = recovery.renew(alice)[:2]
    guess = {"username": "alice", "password": "wrong", "code": code}
    seen = [browser.post("/login", guess, REMOTE_ADDR=f"198.51.100.{n}").status_code for n in range(6)]
    assert seen == [400, 400, 400, 400, 429, 429]
    assert recovery.left(alice) == 10
    assert log_in(Browser(), "alice", other).status_code == 302


def test_a_nul_in_a_name_before_a_passkey_is_no_crash(browser: Client, alice: User) -> None:
    given = {"username": "ali\0ce", "password": "x\0y"}
    assert browser.post("/login/passkey", given, headers={"host": "portal.home.arpa"}).status_code == 400
    assert "\0" not in AuditEvent.objects.filter(action="login.failed").latest("sequence").target


def test_the_cookie_of_a_known_browser_helps_its_own_name_only(alice: User) -> None:
    cookie = throttle.known_cookie("alice")
    assert list(throttle.keys_for("alice", "192.0.2.1", cookie))[0].startswith("browser ")
    for name, sent in (("bob", cookie), ("alice", cookie + "x"), ("alice", ""), ("alice", "a:b:c")):
        assert len(throttle.keys_for(name, "192.0.2.1", sent)) == 3


def test_an_address_is_slowed_down_for_all_names_and_success_gives_back_one_attempt_only(db: None) -> None:
    for n in range(31):
        assert throttle.begin(throttle.keys_for(f"name{n}", "2001:db8::1")) == 0
    keys = throttle.keys_for("another", "2001:db8::2")  # the same /64
    assert throttle.begin(keys) > 0
    throttle.succeeded(keys)
    assert Throttle.objects.get(key__startswith="address").failures == 30


def test_old_failures_are_forgotten(db: None) -> None:
    keys = throttle.keys_for("alice", "192.0.2.1")
    for _ in range(30):
        throttle.begin(keys)
    Throttle.objects.update(failures=30, last_at=throttle.timezone.now() - throttle.timedelta(days=2))
    assert throttle.begin(keys) == 0
    Throttle.objects.update(last_at=throttle.timezone.now() - throttle.timedelta(days=2))
    assert throttle.sweep() == 3


@pytest.mark.slow
def test_the_time_taken_tells_nothing_about_a_name(
    alice: User, totp_device: Callable, settings: object
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
    alice.set_password(PASSWORD)
    alice.save()
    totp_device(alice)
    taken: dict[str, list[float]] = {"alice": [], "nobody": []}
    for _ in range(40):
        for name, times in taken.items():
            Throttle.objects.all().delete()
            begun = time.perf_counter()
            signin.attempt(name, "wrong horse", "123456", address="192.0.2.1", cookie="")
            times.append(time.perf_counter() - begun)
    known, unknown = (sorted(times)[20] for times in taken.values())
    assert 0.75 < known / unknown < 1.33


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_attempts_at_once_only_the_free_ones_are_looked_at(alice: User) -> None:
    def guess() -> object:
        return signin.attempt("alice", "wrong", "123456", address="192.0.2.1", cookie="")

    results = in_parallel(16, guess)
    assert results.count(None) == throttle.PAIR.free + 1
    assert results.count(signin.Wait(1)) == 16 - throttle.PAIR.free - 1
    assert AuditEvent.objects.filter(action="login.failed").count() == throttle.PAIR.free + 1


def test_without_any_account_the_page_says_where_the_first_one_is_made(browser: Client) -> None:
    assert "Nobody has an account yet" in browser.get("/login").content.decode()


def test_with_an_account_the_page_says_nothing_of_the_setup_link(browser: Client, alice: User) -> None:
    assert "Nobody has an account yet" not in browser.get("/login").content.decode()
