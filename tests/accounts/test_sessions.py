"""Default deny, sessions that end by themselves, and the fresh second factor."""

import time
from collections.abc import Callable

import pytest
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import clocks, recovery, totp
from accounts.addresses import address_of, network_of
from accounts.freshness import FreshFactorForm, is_fresh
from accounts.models import TotpDevice, User
from accounts.public import PUBLIC
from audit.models import AuditEvent
from tests.accounts.walk import code_of, shown_secret

pytestmark = pytest.mark.django_db


def view_names(patterns: list[URLPattern | URLResolver], space: str = "") -> set[str]:
    found = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace == "admin":
                continue
            inner = f"{pattern.namespace}:" if pattern.namespace else space
            found |= view_names(pattern.url_patterns, inner)
        else:
            found.add(f"{space}{pattern.name}")
    return found


def test_the_public_list_names_views_that_exist() -> None:
    assert view_names(get_resolver().url_patterns) >= PUBLIC


def test_everything_that_is_not_listed_asks_to_sign_in(browser: Client, db: None) -> None:
    for path in ("/", "/account", "/people", "/household", "/status", "/audit", "/account/recovery"):
        answer = browser.get(path, {"x": "1"})
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/login?next=%2F"), path
        assert answer["Location"].endswith("%3Fx%3D1")


def test_what_does_not_exist_stays_not_found(browser: Client, db: None) -> None:
    assert browser.get("/no/such/page").status_code == 404


def test_a_password_alone_is_no_session(browser: Client, alice: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    session = browser.session
    del session["otp_device_id"]
    session.save()
    assert browser.get("/account").status_code == 302


def test_a_session_ends_when_its_app_is_gone(browser: Client, alice: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    TotpDevice.objects.all().delete()
    assert browser.get("/account").status_code == 302


def age(browser: Client, **back: float) -> None:
    """Let the session's times lie `back` seconds in the past."""
    session = browser.session
    for name, seconds in back.items():
        session[name] = time.time() - seconds
    session.save()


def test_a_session_ends_after_15_minutes_alone(browser: Client, alice: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    age(browser, seen_at=14 * 60)
    assert browser.get("/account").status_code == 200
    assert time.time() - browser.session["seen_at"] < 5
    age(browser, seen_at=15 * 60 + 1)
    answer = browser.get("/account", follow=True)
    assert "You were signed out because nothing happened" in answer.content.decode()


def test_a_session_ends_after_12_hours_however_busy(browser: Client, alice: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    age(browser, signed_in_at=12 * 3600 + 1)
    assert browser.get("/account").status_code == 302


def test_a_page_that_polls_does_not_keep_a_forgotten_session(
    browser: Client, alice: User, sign_in: Callable
) -> None:
    sign_in(browser, alice)
    age(browser, seen_at=600)
    assert browser.get("/account", HTTP_SEC_FETCH_DEST="empty").status_code == 200
    assert time.time() - browser.session["seen_at"] > 590
    age(browser, seen_at=901)
    assert browser.get("/account", HTTP_SEC_FETCH_DEST="empty").status_code == 401


def test_a_busy_session_is_not_written_with_every_page(
    browser: Client, alice: User, sign_in: Callable
) -> None:
    sign_in(browser, alice)
    assert settings.SESSION_COOKIE_NAME not in browser.get("/account").cookies


def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(
    browser: Client, alice: User, sign_in: Callable
) -> None:
    sign_in(browser, alice)
    age(browser, seen_at=901)
    answer = browser.post("/logout", HTTP_REFERER="https://testserver/account/profile?x=1", follow=True)
    assert answer.redirect_chain == [("/login?next=%2Faccount%2Fprofile%3Fx%3D1", 302)]
    assert "what you sent was not saved" in answer.content.decode()
    foreign = browser.post("/logout", HTTP_REFERER="https://evil.example/x")
    assert foreign["Location"] == "/login?next=%2F"


def test_dates_are_in_the_households_zone_and_nobody_elses(
    browser: Client, alice: User, dora: User, sign_in: Callable
) -> None:
    sign_in(browser, dora)
    browser.post("/household", {"name": "Ours", "time_zone": "Pacific/Auckland"})
    page = browser.get("/account").content.decode()
    assert "+13:00" in page or "+12:00" in page


# The fresh second factor


class Decision(FreshFactorForm):
    """A form of the kind other pages make."""

    reason = forms.CharField()

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("reason") == "bad":
            raise forms.ValidationError("No.")


@pytest.fixture
def ask(browser: Client, alice: User, sign_in: Callable) -> HttpRequest:
    """A request of alice, whose login was more than five minutes ago."""
    sign_in(browser, alice, fresh=False)
    request = RequestFactory().post("/")
    request.session = browser.session
    request.user = alice
    alice.otp_device = TotpDevice.objects.get(user=alice)
    return request


def test_a_login_counts_as_fresh_for_five_minutes(ask: HttpRequest) -> None:
    for seconds, fresh in ((0, True), (299, True), (301, False), (-60, False)):
        ask.session["fresh_at"] = time.time() - seconds
        assert is_fresh(ask) is fresh
        assert ("code" in FreshFactorForm(ask).fields) is not fresh


def test_one_new_code_buys_five_more_minutes(ask: HttpRequest, code_for: Callable, alice: User) -> None:
    form = Decision(ask, {"reason": "good", "code": code_for(alice)})
    assert form.is_valid(), form.errors
    assert is_fresh(ask)
    assert "code" not in Decision(ask).fields


def test_a_code_is_not_spent_while_something_else_is_wrong(
    ask: HttpRequest, code_for: Callable, alice: User
) -> None:
    code = code_for(alice)
    for reason in ("", "bad"):
        assert not Decision(ask, {"reason": reason, "code": code}).is_valid()
    assert not is_fresh(ask)
    assert Decision(ask, {"reason": "good", "code": code}).is_valid()


def test_a_used_or_wrong_code_is_refused_in_words(ask: HttpRequest, code_for: Callable, alice: User) -> None:
    code = code_for(alice)
    assert Decision(ask, {"reason": "good", "code": code}).is_valid()
    ask.session["fresh_at"] = 0
    again = Decision(ask, {"reason": "good", "code": code})
    assert again.errors == {"code": [clocks.explained(0)]}
    assert AuditEvent.objects.get(action="code.refused").actor == "alice"
    waiting = Decision(ask, {"reason": "good", "code": "000000"})
    assert waiting.errors["code"] == ["Too many wrong codes. Wait 1 second, then type the newest code."]


def test_a_recovery_code_is_fresh_too_and_audited(ask: HttpRequest, alice: User) -> None:
    codes = recovery.renew(alice)
    assert Decision(ask, {"reason": "good", "code": codes[0]}).is_valid()
    assert AuditEvent.objects.get(action="recovery.used").detail == {"left": 9}


@pytest.mark.parametrize("code", ["", " ", "x" * 41, "\x00", "12345", "²23456", "\u202e123456"])
def test_what_is_no_code_is_a_sentence(ask: HttpRequest, code: str) -> None:
    form = Decision(ask, {"reason": "good", "code": code})
    assert list(form.errors) == ["code"]


def test_addresses_are_those_of_the_connection_whatever_headers_say() -> None:
    def seen(remote: str) -> str:
        return address_of(RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR="203.0.113.9"))

    assert seen("192.0.2.1") == "192.0.2.1"
    assert seen("::ffff:192.0.2.1") == "192.0.2.1"
    assert seen("fe80::1%eth0") == "fe80::1"
    assert seen("") == seen("unix:") == ""
    assert network_of("2001:db8::1:2:3:4") == "2001:db8::/64"
    assert network_of("192.0.2.1") == "192.0.2.1"


# One's own account


def test_the_account_page_shows_what_one_has(browser: Client, alice: User, sign_in: Callable) -> None:
    recovery.renew(alice)
    sign_in(browser, alice)
    page = browser.get("/account").content.decode()
    assert "10 left" in page
    assert "Requester" in page


def test_name_and_mail_are_changed_and_audited(browser: Client, alice: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    assert browser.post("/account/profile", {"full_name": "A", "email": "no mail"}).status_code == 400
    browser.post("/account/profile", {"full_name": "Alice A.", "email": "alice@home.arpa"})
    alice.refresh_from_db()
    assert (alice.full_name, alice.email) == ("Alice A.", "alice@home.arpa")
    assert AuditEvent.objects.get(action="person.changed").detail["before"]["full_name"] == "Alice"


def test_another_mail_address_needs_a_fresh_code_and_nothing_else_there_does(
    browser: Client, alice: User, sign_in: Callable, code_for: Callable
) -> None:
    """Whoever finds an open session must not turn the letters about thieves away from its owner."""
    sign_in(browser, alice, fresh=False)
    asked = {"full_name": "Alice A.", "email": "thief@home.arpa"}
    page = browser.post("/account/profile", asked)
    assert page.status_code == 400
    assert "thief@home.arpa" in page.content.decode()  # what was typed is kept
    assert browser.post("/account/profile", {**asked, "code": "000000"}).status_code == 400
    alice.refresh_from_db()
    assert (alice.full_name, alice.email) == ("Alice", "")
    forget = {"throttling_failure_count": 0, "throttling_failure_timestamp": None}
    TotpDevice.objects.filter(user=alice).update(**forget)
    code = code_for(alice)
    assert (
        browser.post("/account/profile", {"full_name": "Ally", "email": "", "code": code}).status_code == 302
    )
    assert browser.post("/account/profile", {**asked, "code": code}).status_code == 302  # it was not spent
    alice.refresh_from_db()
    assert alice.email == "thief@home.arpa"


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(
    browser: Client, alice: User, sign_in: Callable
) -> None:
    other = sign_in(type(browser)(), alice)
    sign_in(browser, alice)
    wrong = browser.post("/account/password", {"old": "wrong", "new": "entirely new words"})
    assert "not your present password" in wrong.content.decode()
    browser.post("/account/password", {"old": "correct horse battery", "new": "entirely new words"})
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    actions = list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))
    assert actions == ["password.refused", "password.changed"]


def test_who_finds_an_open_session_cannot_guess_the_password(
    browser: Client, alice: User, sign_in: Callable
) -> None:
    sign_in(browser, alice)
    guess = {"old": "wrong", "new": "entirely new words"}
    pages = [browser.post("/account/password", guess).content.decode() for _ in range(6)]
    assert "Too many attempts" in pages[-1]
    assert AuditEvent.objects.filter(action="password.refused").count() == 4


def test_a_new_app_takes_the_place_of_the_old_one_when_it_is_confirmed(
    browser: Client, alice: User, sign_in: Callable
) -> None:
    from_old = sign_in(type(browser)(), alice)
    sign_in(browser, alice)
    old = TotpDevice.objects.get()
    assert browser.get("/account/app/confirm")["Location"] == "/account/app"
    given = {"name": "New phone", "instead": old.pk}
    assert browser.post("/account/app", given)["Location"] == "/account/app/confirm"
    secret = shown_secret(browser, "/account/app/confirm")
    assert browser.post("/account/app/confirm", {"code": "000000"}).status_code == 400
    assert TotpDevice.objects.get() == old
    assert browser.post("/account/app/confirm", {"code": code_of(secret)})["Location"] == "/account"
    assert TotpDevice.objects.get().secret == secret
    assert browser.get("/account").status_code == 200
    assert from_old.get("/account").status_code == 302
    assert AuditEvent.objects.get(action="app.changed").detail == {"name": "New phone", "instead": "App"}


def test_a_second_app_counts_beside_the_first(
    browser: Client, alice: User, sign_in: Callable, code_for: Callable
) -> None:
    other = sign_in(type(browser)(), alice)
    sign_in(browser, alice)
    browser.post("/account/app", {"name": "Tablet", "instead": ""})
    secret = shown_secret(browser, "/account/app/confirm")
    assert browser.post("/account/app/confirm", {"code": code_of(secret)})["Location"] == "/account"
    assert other.get("/account").status_code == 302
    assert totp.verify(alice, code_for(alice)) == TotpDevice.objects.get(name="App")
    TotpDevice.objects.update(last_step=-1)
    assert totp.verify(alice, code_of(secret)) == TotpDevice.objects.get(name="Tablet")


def test_new_recovery_codes_are_shown_after_a_fresh_code(
    browser: Client, alice: User, sign_in: Callable, code_for: Callable
) -> None:
    recovery.renew(alice)
    sign_in(browser, alice, fresh=False)
    assert browser.post("/account/recovery").status_code == 400
    browser.post("/account/recovery", {"code": code_for(alice)})
    page = browser.get("/account/recovery").content.decode()
    assert "Keep these recovery codes" in page
    assert AuditEvent.objects.get(action="recovery.renewed").target == "alice"


@pytest.mark.parametrize("path", ["/account/password", "/account/app", "/account/recovery"])
def test_changing_how_one_signs_in_needs_a_fresh_code(
    browser: Client, alice: User, sign_in: Callable, path: str
) -> None:
    sign_in(browser, alice, fresh=False)
    data = {"old": "correct horse battery", "new": "entirely new words"}
    answer = browser.post(path, data)
    assert answer.status_code == 400
    assert 'name="code"' in answer.content.decode()
