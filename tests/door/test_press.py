"""One press, one message; and every reason against it, in its order."""

import itertools
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from door import pins
from door.models import Door, Outcome, PinUse, Press, Rule, Tries
from door.press import NoSuchDoor, PinUnfit, press, sweep
from pki.models import Certificate
from tests.door.conftest import PIN, Home, holder_for, make_door

AT_ONCE = 8
WRONG = "774913"


@pytest.fixture
def front(alice: User) -> Door:
    """Checks alice's PIN here."""
    pins.put(alice, PIN)
    return make_door("front-door")


def pressed(user: User, door: Door, pin: str = PIN, token: uuid.UUID | None = None) -> Press:
    return press(holder_for(user), door, pin=pin, token=token or uuid.uuid4(), address="192.168.7.20")


def together(action: Callable[[], Press]) -> list[Press]:
    """Eight threads that do the same at the same time."""

    def closing(_: int) -> Press:
        try:
            return action()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(closing, range(AT_ONCE)))


def test_a_press_reaches_the_home_once_with_who_and_when(alice: User, front: Door, home: Home) -> None:
    made = pressed(alice, front)
    assert made.outcome == Outcome.RECEIVED
    assert made.received_at is not None
    (message,) = home.heard
    assert (message.topic, message.expires) == ("latchkey/front-door/open", 5)
    said = json.loads(message.payload)
    assert (said["by"], said["door"], said["nonce"]) == ("Alice, phone", "front-door", made.nonce)
    assert said["deadline"] == said["time"] + 5 == int((made.at + timedelta(seconds=5)).timestamp())


def test_the_pin_is_written_nowhere(alice: User, front: Door, home: Home) -> None:
    passed_on = make_door("cellar", pin=PinUse.HOME)
    for door in (front, passed_on):
        made = pressed(alice, door)
        assert PIN not in repr(vars(made))
    assert json.loads(home.heard[1].payload)["pin"] == PIN
    assert PIN not in home.heard[0].payload.decode()
    events = list(AuditEvent.objects.filter(action="door.pressed").values())
    assert [event["detail"]["outcome"] for event in events] == ["sending", "sending"]
    assert PIN not in repr(events)


def test_the_same_token_is_the_same_press(alice: User, front: Door, home: Home) -> None:
    token = uuid.uuid4()
    assert pressed(alice, front, token=token).pk == pressed(alice, front, pin="", token=token).pk
    assert len(home.heard) == Press.objects.count() == 1


def test_the_same_token_of_somebody_else_is_another_press(
    alice: User, charlie: User, gate: Door, home: Home
) -> None:
    token = uuid.uuid4()
    assert pressed(alice, gate, token=token).pk != pressed(charlie, gate, token=token).pk
    assert len(home.heard) == 2


@pytest.mark.django_db(transaction=True)
def test_eight_taps_at_once_are_one_press(alice: User, front: Door, home: Home) -> None:
    token = uuid.uuid4()
    made = together(lambda: pressed(alice, front, token=token))
    assert len({one.pk for one in made}) == len(home.heard) == Press.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_taps_at_once_with_a_wrong_pin_are_one_try(alice: User, front: Door, home: Home) -> None:
    token = uuid.uuid4()
    made = together(lambda: pressed(alice, front, WRONG, token))
    assert {one.outcome for one in made} == {Outcome.WRONG_PIN}
    assert Tries.objects.get().running == Press.objects.count() == 1
    assert not home.heard


@pytest.mark.django_db(transaction=True)
def test_eight_presses_at_once_do_not_pass_the_limit(alice: User, home: Home) -> None:
    door = make_door("gate", pin=PinUse.NONE, presses_per_hour=3)
    made = together(lambda: pressed(alice, door))
    assert sorted(one.outcome for one in made) == ["received"] * 3 + ["too-many"] * 5
    assert len(home.heard) == 3
    assert Press.objects.count() == 4  # the refusals of one minute are one line


@pytest.fixture
def gate(db: None) -> Door:
    return make_door("garden-gate", pin=PinUse.NONE)


def test_a_home_that_does_not_answer_is_told_and_nothing_is_sent_later(
    alice: User, gate: Door, home: Home
) -> None:
    home.silent = True
    token = uuid.uuid4()
    assert pressed(alice, gate, token=token).outcome == Outcome.UNANSWERED
    home.silent = False
    assert pressed(alice, gate, token=token).outcome == Outcome.UNANSWERED
    assert not home.heard


def test_a_home_that_confirms_before_its_broker_does_keeps_the_last_word(
    alice: User, gate: Door, home: Home
) -> None:
    home.then = lambda: bool(Press.objects.update(outcome=Outcome.OPENED)) and None
    assert pressed(alice, gate).outcome == Outcome.OPENED


def test_a_wrong_pin_sends_nothing_and_ten_lock_the_door(alice: User, front: Door, home: Home) -> None:
    outcomes = [pressed(alice, front, WRONG).outcome for _ in range(12)]
    assert outcomes == ["wrong-pin"] * 10 + ["locked"] * 2
    assert pressed(alice, front).outcome == Outcome.LOCKED
    assert Press.objects.filter(outcome=Outcome.LOCKED).count() == 1  # one line a minute
    assert not home.heard


def test_a_slip_counts_as_no_try(alice: User, front: Door, home: Home) -> None:
    for slip in ("", "  ", "abc", "12345x", "1" * 17):
        with pytest.raises(PinUnfit):
            pressed(alice, front, slip)
    assert not Press.objects.exists()
    assert not Tries.objects.filter(running__gt=0).exists()


def test_a_pin_may_be_typed_with_blanks(alice: User, front: Door, home: Home) -> None:
    assert pressed(alice, front, " 830 274 ").outcome == Outcome.RECEIVED


def test_without_a_pin_of_their_own_nobody_opens_a_door_that_wants_one(
    charlie: User, home: Home, db: None
) -> None:
    door = make_door("front-door")
    with pytest.raises(pins.PinMissing):
        pressed(charlie, door)
    assert not Press.objects.exists()


def test_who_is_locked_out_here_cannot_go_on_guessing_at_the_home(
    alice: User, front: Door, home: Home
) -> None:
    door = make_door("cellar", pin=PinUse.HOME)
    Tries.objects.create(user=alice, door=front, day=timezone.now().date(), running=20)
    assert pressed(alice, door).outcome == Outcome.LOCKED
    assert not home.heard


def test_outside_the_hours_no_pin_is_looked_at(alice: User, front: Door, home: Home) -> None:
    tomorrow = timezone.now().date() + timedelta(days=2)
    Rule.objects.filter(door=front).update(first_day=tomorrow)
    assert pressed(alice, front, WRONG).outcome == Outcome.OUTSIDE
    assert not Tries.objects.exists()
    pressed(alice, front, WRONG)
    assert Press.objects.count() == 1


def test_too_many_presses_are_refused_until_an_hour_after_the_first(alice: User, home: Home) -> None:
    door = make_door("gate", pin=PinUse.NONE, presses_per_hour=2)
    assert [pressed(alice, door).outcome for _ in range(3)] == ["received", "received", "too-many"]
    Press.objects.filter(outcome=Outcome.RECEIVED).update(at=timezone.now() - timedelta(minutes=61))
    assert pressed(alice, door).outcome == Outcome.RECEIVED


def test_the_limit_is_of_one_person_at_one_door(alice: User, charlie: User, gate: Door, home: Home) -> None:
    Door.objects.filter(pk=gate.pk).update(presses_per_hour=1)
    other = make_door("mailbox", pin=PinUse.NONE, presses_per_hour=1)
    made = [pressed(alice, gate), pressed(charlie, gate), pressed(alice, other)]
    assert [one.outcome for one in made] == ["received"] * 3


@pytest.mark.parametrize("change", [{"retired_at": timezone.now()}, {"practice": True}])
def test_a_door_that_is_not_there_is_not_pressed(
    change: dict[str, object], alice: User, gate: Door, home: Home, settings: Settings
) -> None:
    settings.BROKER = {"host": "broker.home.arpa"}
    Door.objects.filter(pk=gate.pk).update(**change)
    with pytest.raises(NoSuchDoor):
        pressed(alice, gate)


def test_a_door_without_a_rule_for_somebody_is_not_there_for_them(
    alice: User, charlie: User, home: Home
) -> None:
    door = make_door("den", pin=PinUse.NONE, rule=False)
    Rule.objects.create(door=door, person=charlie)
    with pytest.raises(NoSuchDoor):
        pressed(alice, door)
    assert pressed(charlie, door).outcome == Outcome.RECEIVED


def test_what_was_cut_off_in_between_is_closed_by_the_housekeeping(
    alice: User, gate: Door, home: Home
) -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    home.then = crash
    with pytest.raises(KeyboardInterrupt):
        pressed(alice, gate)
    assert Press.objects.get().outcome == Outcome.SENDING
    assert sweep() == 0
    Press.objects.update(at=timezone.now() - timedelta(seconds=31))
    assert sweep() == 1
    assert Press.objects.get().outcome == Outcome.UNANSWERED


def test_a_revocation_that_was_quicker_than_the_press_counts(alice: User, gate: Door, home: Home) -> None:
    holder = holder_for(alice)
    Certificate.objects.filter(pk=holder.certificate.id).update(revoked_at=timezone.now(), reason="")
    with pytest.raises(NoSuchDoor):
        press(holder, gate, pin="", token=uuid.uuid4(), address="")
    assert (home.heard, Press.objects.count()) == ([], 0)


def test_so_does_an_account_switched_off_meanwhile(alice: User, gate: Door, home: Home) -> None:
    holder = holder_for(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(NoSuchDoor):
        press(holder, gate, pin="", token=uuid.uuid4(), address="")
    assert (home.heard, Press.objects.count()) == ([], 0)


def test_a_door_that_was_changed_meanwhile_is_opened_as_it_is_now(
    alice: User, gate: Door, home: Home
) -> None:
    Door.objects.filter(pk=gate.pk).update(topic="latchkey/elsewhere")
    pressed(alice, gate)
    assert [message.topic for message in home.heard] == ["latchkey/elsewhere"]


def test_a_press_that_waited_longer_than_it_is_valid_is_never_sent(
    alice: User, gate: Door, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0, gate.valid_seconds + 1)
    monkeypatch.setattr("door.press.time.monotonic", lambda: next(clock))
    assert pressed(alice, gate).outcome == Outcome.UNANSWERED
    assert home.heard == []
