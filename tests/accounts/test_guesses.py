"""How often a code may be guessed: below one in ten thousand a year, and the owner gets in all the time."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django_otp.oath import hotp

from accounts import factors, guesses, recovery, timecodes, totp
from accounts.models import Notice, TotpDevice, User, WrongCodes
from audit.models import AuditEvent
from portal import news

pytestmark = pytest.mark.django_db

WINDOW = 2 * timecodes.TOLERANCE + 1
YEAR = timedelta(days=365)
LIMIT = 1e-4  # chance of success that a year may have


class Clock:
    """The one that everything here looks at."""

    def __init__(self) -> None:
        self.now = datetime(2027, 1, 1, tzinfo=UTC)

    def wait(self, **time: int) -> None:
        self.now += timedelta(**time)

    @property
    def step(self) -> int:
        return int(self.now.timestamp()) // timecodes.STEP


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(timezone, "now", lambda: made.now)
    monkeypatch.setattr(timecodes.time, "time", lambda: made.now.timestamp())
    return made


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every token that an app was asked about."""
    found: list[str] = []
    accepts = TotpDevice.accepts
    monkeypatch.setattr(
        TotpDevice, "accepts", lambda self, token: found.append(token) or accepts(self, token)
    )
    return found


def shown(device: TotpDevice, clock: Clock, ahead: int = 0) -> str:
    return f"{hotp(device.secret, clock.step + ahead):06d}"


def wrong(device: TotpDevice) -> str:
    """Six digits that the app shows at no time near now."""
    while timecodes.is_near(device.secret, code := f"{secrets.randbelow(10**6):06d}"):
        pass
    return code


def err(user: User, device: TotpDevice, clock: Clock, times: int) -> None:
    for _ in range(times):
        assert totp.verify(user, wrong(device)) is None
        clock.wait(seconds=guesses.LONGEST_WAIT)


def chance_in_a_year(apps: int) -> float:
    """At most, of somebody who tries whenever they may, at an account with so many apps. A wrong code counts
    once for each app."""
    singles = guesses.FREE - 1 + apps + YEAR // guesses.FORGIVEN + 1  # the last one may count beyond
    pairs = YEAR.total_seconds() / guesses.LONGEST_WAIT
    codes = 10**timecodes.DIGITS
    return (singles + apps * pairs / codes) * WINDOW / codes


def test_the_figures_keep_a_year_of_guessing_below_one_in_ten_thousand() -> None:
    for apps in range(1, factors.MOST_APPS + 1):
        assert chance_in_a_year(apps) < LIMIT
    assert len(recovery.ALPHABET) ** recovery.LENGTH > 10**17
    tries = YEAR.total_seconds() * 1000  # as fast as a machine answers: a right one never waits
    assert tries * recovery.COUNT / len(recovery.ALPHABET) ** recovery.LENGTH < 1e-6


def test_through_a_year_of_guesses_few_are_looked_at_and_the_owner_gets_in(
    alice: User, clock: Clock, looked_at: list[str]
) -> None:
    """Whoever knows the password tries all that may be tried; what the owner does resets nothing of it."""
    device = totp.enrol(alice)
    guessed = 0
    for _ in range(YEAR.days):
        looked_at.clear()
        err(alice, device, clock, 2)
        guessed += len(looked_at)
        right = shown(device, clock) if WrongCodes.one_will_do(alice.pk) else ""
        clock.wait(seconds=timecodes.STEP)
        assert totp.verify(alice, right or shown(device, clock, -1) + shown(device, clock)) is not None
        clock.now = clock.now.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert guesses.FREE < guessed <= guesses.FREE + YEAR // guesses.FORGIVEN + 1
    assert guessed * WINDOW / 10**timecodes.DIGITS < LIMIT


def test_after_too_many_wrong_codes_two_in_a_row_count_and_one_does_not(
    alice: User, clock: Clock, looked_at: list[str]
) -> None:
    device = totp.enrol(alice)
    err(alice, device, clock, guesses.FREE)
    looked_at.clear()
    assert totp.verify(alice, shown(device, clock)) is None
    assert looked_at == []
    assert TotpDevice.objects.get().last_step == -1
    pair = f"{shown(device, clock)[:3]} {shown(device, clock)[3:]} {shown(device, clock, 1)}"
    clock.wait(seconds=timecodes.STEP)
    assert totp.verify(alice, pair) is not None
    assert totp.verify(alice, pair) is None


def test_two_that_are_not_in_a_row_or_were_used_are_no_pair(alice: User, clock: Clock) -> None:
    device = totp.enrol(alice)
    assert totp.verify(alice, shown(device, clock)) is not None
    clock.wait(seconds=timecodes.STEP)
    for pair in (
        shown(device, clock, -1) + shown(device, clock),  # the first one was used
        shown(device, clock) + shown(device, clock),
        shown(device, clock, 1) + shown(device, clock),
        wrong(device) + shown(device, clock, 1),
        shown(device, clock) + wrong(device),
    ):
        clock.wait(seconds=0)
        TotpDevice.objects.update(throttling_failure_count=0)
        assert totp.verify(alice, pair) is None
    TotpDevice.objects.update(throttling_failure_count=0)
    assert totp.verify(alice, shown(device, clock) + shown(device, clock, 1)) is not None


def test_a_code_that_was_used_or_comes_late_is_no_guess(alice: User, clock: Clock) -> None:
    device = totp.enrol(alice)
    code = shown(device, clock)
    assert totp.verify(alice, code) is not None
    for _ in range(3):
        clock.wait(minutes=2)
        assert totp.verify(alice, code) is None
    assert not WrongCodes.objects.exists()


def test_wrong_codes_are_forgotten_one_by_one(alice: User, clock: Clock) -> None:
    device = totp.enrol(alice)
    err(alice, device, clock, guesses.FREE)
    assert not WrongCodes.one_will_do(alice.pk)
    clock.now += guesses.FORGIVEN
    assert WrongCodes.one_will_do(alice.pk)
    err(alice, device, clock, 1)
    assert not WrongCodes.one_will_do(alice.pk)
    clock.now -= 2 * YEAR  # a clock that jumps back forgives nothing
    assert not WrongCodes.one_will_do(alice.pk)
    clock.now += 3 * YEAR
    assert WrongCodes.one_will_do(alice.pk)


def test_a_new_app_does_not_begin_to_count_anew(alice: User, clock: Clock) -> None:
    err(alice, totp.enrol(alice), clock, guesses.FREE)
    TotpDevice.objects.all().delete()
    fresh = totp.enrol(alice)
    assert totp.verify(alice, shown(fresh, clock)) is None


def test_the_owner_is_told_and_the_page_says_what_to_type(
    browser: Client, alice: User, clock: Clock, sign_in: Callable
) -> None:
    news.tell()
    device = totp.enrol(alice)
    sign_in(browser, alice, fresh=False)
    err(alice, device, clock, guesses.FREE)
    assert AuditEvent.objects.filter(action="app.guessed", target="alice").count() == 1
    news.tell()
    assert "only two in a row" in Notice.objects.get(user=alice).text
    page = browser.post("/account/recovery", {"code": shown(device, clock)}).content.decode()
    assert "Type two in a row" in page
    pair = shown(device, clock) + shown(device, clock, 1)
    clock.wait(seconds=timecodes.STEP)
    assert browser.post("/account/recovery", {"code": pair}).status_code == 302


def test_several_apps_give_no_more_guesses(alice: User, clock: Clock, looked_at: list[str]) -> None:
    """A wrong code is one guess at each of them, and counts so."""
    apps = [totp.enrol(alice) for _ in range(factors.MOST_APPS)]
    done = 0
    for _ in range(guesses.FREE):
        looked_at.clear()
        code = next(code for code in iter(lambda: wrong(apps[0]), "") if not near_any(apps, code))
        assert totp.verify(alice, code) is None
        done += len(apps) * bool(looked_at)
        clock.wait(seconds=guesses.LONGEST_WAIT)
    assert done <= guesses.FREE - 1 + len(apps)
    assert totp.verify(alice, shown(apps[-1], clock)) is None


def near_any(apps: list[TotpDevice], code: str) -> bool:
    return any(timecodes.is_near(app.secret, code) for app in apps)
