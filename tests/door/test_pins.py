"""PINs: never readable, hard to guess, and every wrong one counts; in parallel too."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import household
from accounts.errors import Refused
from accounts.models import User
from audit.models import AuditEvent
from door import pins
from door.models import Door, Pin, PinUse, Tries
from door.pins import PinLocked, PinMissing, PinWrong
from tests.accounts.test_totp import in_parallel
from tests.nasty import NASTY

PIN, WRONG = "482916", "482917"


@pytest.fixture
def front(db: None) -> Door:
    return Door.objects.create(slug="front", name="Front door", topic="a")


@pytest.fixture
def gate(db: None) -> Door:
    return Door.objects.create(slug="gate", name="Gate", topic="b", pin=PinUse.HOME)


def wrong(user: User, door: Door, times: int = 1) -> list[int]:
    """What is left after each."""
    left = []
    for _ in range(times):
        with pytest.raises(PinWrong) as caught:
            pins.check(user, door, WRONG)
        left.append(caught.value.left)
    return left


def locked(user: User, door: Door, typed: str = PIN) -> str:
    with pytest.raises(PinLocked) as caught:
        pins.check(user, door, typed)
    return caught.value.until


def tomorrow() -> None:
    """As if a day had gone by."""
    Tries.objects.update(day=timezone.now().date() - timedelta(days=2))


@pytest.mark.parametrize(
    "typed", [PIN, " 482 916 ", "482-916", "\uff14\uff18\uff12\uff19\uff11\uff16", "٤٨٢٩١٦"]
)
def test_the_right_pin_is_right_however_a_keyboard_writes_digits(
    alice: User, front: Door, typed: str
) -> None:
    pins.put(alice, typed)
    pins.check(alice, front, PIN)
    pins.check(alice, front, typed)


def test_nothing_stored_written_down_or_logged_tells_the_pin(
    alice: User, front: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pins.put(alice, PIN)
    wrong(alice, front, 10)
    stored = str(list(Pin.objects.values())) + str(list(AuditEvent.objects.values()))
    assert PIN not in stored and WRONG not in stored
    assert PIN not in caplog.text and WRONG not in caplog.text


def test_the_same_pin_of_two_people_is_stored_differently(alice: User, charlie: User) -> None:
    for person in (alice, charlie):
        pins.put(person, PIN)
    assert len(set(Pin.objects.values_list("digest", flat=True))) == 2


@pytest.mark.parametrize(
    "easy",
    [
        *("123456", "654321", "012345", "890123", "135791", "000000", "777777", "121212", "100001"),
        *("123123", "482482", "112233", "147258", "789456", "010190", "240680", "24121980", "19801224"),
        *("", "12345", "1234567890123", "12 34", "abcdef", "48291x", "４８２９", "-482916x"),
    ],
)
def test_easy_and_malformed_ones_are_refused_with_a_sentence(alice: User, easy: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        pins.put(alice, easy)
    assert not pins.has(alice)


@pytest.mark.parametrize("typed", NASTY)
def test_nasty_text_is_a_wrong_pin_and_nothing_worse(alice: User, front: Door, typed: str) -> None:
    with pytest.raises(ValueError):
        pins.put(alice, typed)
    pins.put(alice, PIN)
    with pytest.raises(PinWrong):
        pins.check(alice, front, typed.encode("utf-8", "replace").decode())


def test_without_a_pin_there_is_nothing_to_count(alice: User, front: Door) -> None:
    with pytest.raises(PinMissing):
        pins.check(alice, front, PIN)
    assert not Tries.objects.exists()


def test_ten_wrong_ones_in_a_day_close_this_door_until_tomorrow(alice: User, front: Door, gate: Door) -> None:
    pins.put(alice, PIN)
    assert wrong(alice, front, 10) == list(range(9, -1, -1))
    assert pins.standing(alice, front) == "tomorrow"
    # The right one is not told from a wrong one.
    assert [locked(alice, front, typed) for typed in (PIN, WRONG)] == ["tomorrow", "tomorrow"]
    pins.check(alice, gate, PIN)
    assert AuditEvent.objects.filter(action="pin.locked", target="front").count() == 1
    tomorrow()
    assert wrong(alice, front) == [9]
    pins.check(alice, front, PIN)


def test_a_day_ends_at_midnight_in_the_households_zone(
    alice: User, front: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = household.current()
    found.time_zone = "Pacific/Auckland"  # thirteen hours ahead of UTC in November
    found.save()
    pins.put(alice, PIN)
    evening = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    for later, left in ((timedelta(0), "tomorrow"), (timedelta(hours=1), 10)):
        monkeypatch.setattr(timezone, "now", lambda later=later: evening + later)
        if left == "tomorrow":
            wrong(alice, front, 10)
        assert pins.standing(alice, front) == left
    pins.check(alice, front, PIN)


def test_twenty_wrong_ones_without_a_right_one_between_need_an_officer(
    alice: User, bob: User, front: Door, gate: Door
) -> None:
    pins.put(alice, PIN)
    wrong(alice, front, 10)
    assert wrong(alice, gate, 10)[-1] == 0
    assert locked(alice, front) == locked(alice, gate) == "officer"
    tomorrow()
    assert locked(alice, front) == pins.standing(alice, front) == "officer"
    assert pins.alarms() == [
        "Alice (alice) typed 20 wrong PINs: every door stays shut for them until an officer unlocks their"
        " tries."
    ]
    pins.unlock(alice, by=bob)
    pins.check(alice, front, PIN)
    assert pins.alarms() == []


def test_a_right_one_ends_the_row_but_not_the_day(alice: User, front: Door) -> None:
    pins.put(alice, PIN)
    assert wrong(alice, front, 9) == list(range(9, 0, -1))
    pins.check(alice, front, PIN)
    assert wrong(alice, front) == [0]
    assert Tries.objects.get().running == 1


def test_a_new_pin_does_not_reset_the_count(alice: User, front: Door) -> None:
    pins.put(alice, PIN)
    wrong(alice, front, 9)
    pins.put(alice, "735918")
    assert wrong(alice, front) == [0]
    assert locked(alice, front, "735918") == "tomorrow"


def test_one_person_locks_nobody_else_out(alice: User, charlie: User, front: Door) -> None:
    for person in (alice, charlie):
        pins.put(person, PIN)
    wrong(alice, front, 10)
    pins.check(charlie, front, PIN)


def test_what_the_home_calls_wrong_counts_likewise(alice: User, gate: Door) -> None:
    pins.gate(alice, gate)
    assert [pins.note_wrong(alice, gate) for _ in range(11)] == [*range(9, -1, -1), 0]
    with pytest.raises(PinLocked):
        pins.gate(alice, gate)
    tomorrow()
    pins.note_right(alice)
    pins.gate(alice, gate)
    assert Tries.objects.get().running == 0


def test_nobody_but_another_officer_unlocks(alice: User, bob: User, erin: User, front: Door) -> None:
    for by in (alice, erin):
        with pytest.raises(Refused):
            pins.unlock(alice, by=by)
    with pytest.raises(Refused, match="another officer"):
        pins.unlock(bob, by=bob)
    found = household.current()
    found.one_person = True
    found.save()
    pins.unlock(bob, by=bob)
    event = AuditEvent.objects.get(action="pin.unlocked")
    assert (event.actor, event.target) == ("bob", "bob")


def test_the_alarm_for_a_day_names_the_door(alice: User, front: Door) -> None:
    pins.put(alice, PIN)
    wrong(alice, front, 10)
    (sentence,) = pins.alarms()
    assert "Alice (alice)" in sentence and "Front door" in sentence and "until tomorrow" in sentence


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_wrong_ones_at_once_ten_are_looked_at(alice: User, front: Door) -> None:
    pins.put(alice, PIN)

    def guess() -> object:
        try:
            pins.check(alice, front, WRONG)
        except PinWrong as error:
            return error.left
        except PinLocked:
            return "locked"
        return "in"

    results = in_parallel(16, guess)
    assert sorted(map(str, results)) == sorted([*map(str, range(10)), *["locked"] * 6])
    assert (Tries.objects.get().today, Tries.objects.get().running) == (10, 10)


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_over_two_doors_count_as_sixteen(alice: User, front: Door, gate: Door) -> None:
    pins.put(alice, PIN)
    doors = [front, gate] * 8

    def guess() -> object:
        try:
            pins.check(alice, doors.pop(), WRONG)
        except PinWrong:
            return "wrong"
        return "in"

    assert in_parallel(16, guess) == ["wrong"] * 16
    assert sum(Tries.objects.values_list("running", flat=True)) == 16


def test_a_pin_is_set_on_its_page_with_a_fresh_code(
    browser: Client, sign_in: Callable[..., Client], alice: User, code_for: Callable[[User], str]
) -> None:
    sign_in(browser, alice, fresh=False)
    typed = {"pin": PIN, "again": PIN}
    answer = browser.post("/doors/pin", typed)
    assert answer.status_code == 422 and not pins.has(alice)
    assert PIN not in answer.content.decode()
    answer = browser.post("/doors/pin", {**typed, "code": code_for(alice)})
    assert answer.status_code == 302 and pins.has(alice)
    assert AuditEvent.objects.get(action="pin.set").actor == "alice"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"pin": "123456", "again": "123456"}, "guessed first"),
        ({"pin": PIN, "again": WRONG}, "The two are not the same"),
        ({"pin": "12", "again": "12"}, "6 to 12 digits"),
        ({}, "Type your new PIN"),
    ],
)
def test_the_page_says_how_to_mend_a_pin(
    typed: dict[str, str], sentence: str, browser: Client, sign_in: Callable[..., Client], alice: User
) -> None:
    sign_in(browser, alice)
    answer = browser.post("/doors/pin", typed)
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert not pins.has(alice)


def test_an_officer_sees_the_alarm_and_unlocks_on_a_page(
    browser: Client, sign_in: Callable[..., Client], alice: User, bob: User, front: Door
) -> None:
    pins.put(alice, PIN)
    wrong(alice, front, 10)
    sign_in(browser, bob)
    assert "typed 10 wrong PINs" in browser.get("/").content.decode()
    assert f"/doors/tries/{alice.pk}" in browser.get("/doors/").content.decode()
    assert browser.post(f"/doors/tries/{alice.pk}").status_code == 302
    pins.check(alice, front, PIN)
    answer = browser.post(f"/doors/tries/{bob.pk}")
    assert answer.status_code == 422 and "Ask another officer" in answer.content.decode()
