"""What the home says: which door it means, which press, and what is none of it."""

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from door import states
from door.models import Door, Outcome, PinUse, Press, Tries
from door.states import heard, present, understood
from tests.door.conftest import make_door

TOPIC = "latchkey/front/state"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_heard_yet() -> None:
    states.forget()
    states._Memory.said.clear()


@pytest.fixture
def front(db: None) -> Door:
    return make_door("front", state_topic=TOPIC, valid_seconds=5)


def pressed(door: Door, user: User, outcome: str = Outcome.RECEIVED, *, ago: float = 1) -> Press:
    """A press that was made `ago` seconds ago."""
    made = Press.objects.create(
        door=door,
        user=user,
        token=uuid.uuid4(),
        certificate=uuid.uuid4(),
        nonce=uuid.uuid4().hex,
        outcome=outcome,
    )
    Press.objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(seconds=ago))
    return made


def outcome(press: Press) -> str:
    press.refresh_from_db()
    return press.outcome


def says(retained: bool = False, topic: str = TOPIC, **words: object) -> None:
    heard(topic, json.dumps(words).encode(), retained=retained)


@pytest.mark.parametrize("word", ["opened", "closed", "locked", "unlocked", "open", "OPEN", " Locked\n"])
def test_a_plain_word_is_the_doors_state(front: Door, word: str) -> None:
    assert present(front) is None
    heard(TOPIC, word.encode(), retained=False)
    found = present(front)
    assert found is not None
    assert found.word == {"open": "opened"}.get(word.strip().lower(), word.strip().lower())


def test_a_retained_state_is_shown_and_confirms_nothing(front: Door, alice: User) -> None:
    press = pressed(front, alice)
    says(state="opened", retained=True)
    says(state="opened", nonce=press.nonce, retained=True)
    assert present(front).word == "opened"
    assert outcome(press) == Outcome.RECEIVED


def test_the_nonce_says_which_press_opened(front: Door, alice: User) -> None:
    first, second = pressed(front, alice), pressed(front, alice)
    says(state="opened", nonce=first.nonce)
    assert (outcome(first), outcome(second)) == (Outcome.OPENED, Outcome.RECEIVED)
    assert first.finished_at is not None


def test_a_home_that_answers_before_the_puback_is_written_down_is_believed(front: Door, alice: User) -> None:
    press = pressed(front, alice, Outcome.SENDING, ago=0)
    says(state="opened", nonce=press.nonce)
    assert outcome(press) == Outcome.OPENED


def test_a_press_that_was_given_up_and_opened_all_the_same_says_so(front: Door, alice: User) -> None:
    press = pressed(front, alice, Outcome.UNANSWERED, ago=8)
    heard(TOPIC, b"opened", retained=False)  # this could be anybody's
    assert outcome(press) == Outcome.UNANSWERED
    says(state="opened", nonce=press.nonce)
    assert outcome(press) == Outcome.OPENED


@pytest.mark.parametrize("final", [Outcome.WRONG_PIN, Outcome.OUTSIDE, Outcome.TOO_MANY, Outcome.LOCKED])
def test_what_was_never_sent_is_not_confirmed(front: Door, alice: User, final: str) -> None:
    press = pressed(front, alice, final)
    says(state="opened", nonce=press.nonce)
    heard(TOPIC, b"opened", retained=False)
    assert outcome(press) == final


def test_the_first_word_of_the_home_stays(front: Door, alice: User) -> None:
    press = pressed(front, alice)
    says(state="denied", nonce=press.nonce)
    says(state="opened", nonce=press.nonce)
    assert outcome(press) == Outcome.DENIED


@pytest.mark.parametrize("word", ["opened", "open", "unlocked"])
def test_a_plain_word_means_the_newest_press(front: Door, alice: User, word: str) -> None:
    older, newer = pressed(front, alice, ago=4), pressed(front, alice, ago=2)
    heard(TOPIC, word.encode(), retained=False)
    assert (outcome(older), outcome(newer)) == (Outcome.RECEIVED, Outcome.OPENED)


@pytest.mark.parametrize("word", ["closed", "locked"])
def test_a_door_that_closes_confirms_nothing(front: Door, alice: User, word: str) -> None:
    press = pressed(front, alice)
    heard(TOPIC, word.encode(), retained=False)
    says(state=word, nonce=press.nonce)
    assert outcome(press) == Outcome.RECEIVED


def test_a_plain_word_long_after_the_deadline_is_somebody_with_a_key(front: Door, alice: User) -> None:
    press = pressed(front, alice, ago=5 + 10 + 1)
    heard(TOPIC, b"opened", retained=False)
    assert outcome(press) == Outcome.RECEIVED


@pytest.mark.parametrize("nonce", ["\ud800", "\0", "x" * 4000, "0" * 33, "ABCDEF" * 5])
def test_what_cannot_be_a_nonce_is_nobodys_and_no_fault(front: Door, alice: User, nonce: str) -> None:
    press = pressed(front, alice)
    says(state="opened", nonce=nonce)
    assert outcome(press) == Outcome.RECEIVED
    assert present(front) is not None


def test_a_nonce_is_good_for_minutes_only(front: Door, alice: User) -> None:
    press = pressed(front, alice, ago=301)
    says(state="opened", nonce=press.nonce)
    assert outcome(press) == Outcome.RECEIVED


def test_one_home_cannot_speak_for_another_ones_door(front: Door, alice: User) -> None:
    make_door("hut", state_topic="hut/state")
    press = pressed(front, alice)
    says(state="opened", nonce=press.nonce, topic="hut/state")
    says(state="opened", nonce=press.nonce, door="front", topic="hut/state")
    assert outcome(press) == Outcome.RECEIVED
    assert present(front) is None


def test_two_doors_on_one_topic_are_told_apart_by_their_names(front: Door, alice: User) -> None:
    back = make_door("back", state_topic=TOPIC)
    presses = pressed(front, alice), pressed(back, alice)
    says(state="opened", door="front")
    assert [outcome(press) for press in presses] == [Outcome.OPENED, Outcome.RECEIVED]
    assert (present(front).word, present(back)) == ("opened", None)


def test_a_retired_door_hears_nothing(front: Door, alice: User) -> None:
    press = pressed(front, alice)
    Door.objects.update(retired_at=timezone.now())
    says(state="opened", nonce=press.nonce)
    assert outcome(press) == Outcome.RECEIVED


def test_a_state_is_forgotten_with_the_topic_it_came_from(front: Door) -> None:
    heard(TOPIC, b"open", retained=False)
    front.state_topic = "elsewhere"
    assert present(front) is None


@pytest.mark.parametrize(("why", "counted"), [("pin", 1), ("late", 0), (None, 0)])
def test_a_wrong_pin_that_the_home_finds_is_counted_once(
    front: Door, alice: User, why: str | None, counted: int
) -> None:
    Door.objects.update(pin=PinUse.HOME)
    press = pressed(front, alice)
    for _ in range(3):
        says(state="denied", nonce=press.nonce, why=why)
    assert outcome(press) == Outcome.DENIED
    assert [tries.running for tries in Tries.objects.all()] == [1] * counted
    assert present(front) is None


GARBAGE = [
    b"",
    b"ajar",
    b"\xff\xfe",
    b"opened\0",
    b"{",
    b"[]",
    b'"opened"',
    b"{}",
    b'{"state": 1}',
    b'{"state": ["opened"]}',
    b'{"state": "opened", "nonce": {"a": 1}}',
    b'{"state": "opened", "door": 7}',
    b'{"a":' * 1000,
    b"opened" + b" " * 4096,
]


@pytest.mark.parametrize("payload", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_changes_nothing(front: Door, alice: User, payload: bytes) -> None:
    press = pressed(front, alice)
    heard(TOPIC, payload, retained=False)
    assert outcome(press) == Outcome.RECEIVED
    assert present(front) is None


def test_garbage_is_logged_once_a_minute(
    front: Door, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for topic in (TOPIC, TOPIC, "other", TOPIC):
        heard(topic, b"?\n", retained=False)
    assert len(caplog.records) == 2
    monkeypatch.setattr(states, "AGAIN", 0)
    heard(TOPIC, b"?", retained=False)
    assert len(caplog.records) == 3


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_no_payload_breaks_the_reader(payload: bytes) -> None:
    found = understood(payload)
    assert found is None or found.word in (*states.WORDS, states.DENIED)
