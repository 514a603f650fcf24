"""Passkeys from the server's side, with an authenticator in software: what is taken, and what never."""

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone

from accounts import challenges, throttle
from accounts.models import Passkey, PasskeyChallenge, User
from audit.models import AuditEvent
from portal import housekeeping
from tests.accounts.authenticator import HOST, Authenticator
from tests.accounts.ceremonies import PASSWORD, Json, Named, added, question
from tests.accounts.test_totp import in_parallel
from tests.conftest import Browser, open_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Named:
    return Named()


@pytest.fixture
def key() -> Authenticator:
    return Authenticator()


def refusals() -> list[Json]:
    return list(AuditEvent.objects.filter(action="passkey.refused").values_list("detail", flat=True))


def test_a_passkey_is_made_and_opens_alone(browser: Named, alice: User, key: Authenticator) -> None:
    passkey = added(browser, alice, key)
    assert (passkey.host, passkey.alone, passkey.transports) == (HOST, True, ["hybrid", "internal"])
    asked = question(browser)
    assert (asked["userVerification"], asked["allowCredentials"], asked["rpId"]) == ("required", [], HOST)
    assert browser.post("/login", {"passkey": key.get(asked), "next": "/account"})["Location"] == "/account"
    page = browser.get("/account").content.decode()
    assert "Phone" in page
    passkey.refresh_from_db()
    assert (passkey.sign_count, passkey.last_used_at is not None) == (1, True)
    line = AuditEvent.objects.filter(action="login.ok").last()
    assert line is not None and line.detail == {"factor": "passkey"}


def test_it_takes_the_place_of_the_code_after_the_password(browser: Named, alice: User) -> None:
    key = Authenticator(count=None, verifies=False)
    assert not added(browser, alice, key).alone
    asked = question(browser, username="alice", password=PASSWORD)
    assert [one["id"] for one in asked["allowCredentials"]] == [Passkey.objects.get().credential_id]
    given = {"username": "alice", "password": PASSWORD, "code": ""}
    assert browser.post("/login", given | {"passkey": key.get(asked)})["Location"] == "/"
    assert Passkey.objects.get().synced


def test_without_the_password_nobody_learns_of_a_passkey(browser: Named, alice: User, charlie: User) -> None:
    added(browser, alice, Authenticator())
    asked = {"alice": "wrong horse", "charlie": PASSWORD, "nobody": PASSWORD}
    answers = [browser.post("/login/passkey", {"username": n, "password": p}) for n, p in asked.items()]
    assert {(one.status_code, one.content) for one in answers} == {(400, answers[0].content)}
    assert AuditEvent.objects.filter(action="login.failed").count() == 3


def test_the_question_after_a_password_is_slowed_down_like_codes(browser: Named, alice: User) -> None:
    given = {"username": "alice", "password": "wrong horse"}
    codes = [browser.post("/login/passkey", given).status_code for _ in range(5)]
    assert codes == [400, 400, 400, 400, 429]


def test_one_that_did_not_ask_for_a_finger_is_not_enough_alone(browser: Named, alice: User) -> None:
    key = Authenticator(verifies=False)
    added(browser, alice, key)
    answer = browser.post("/login", {"passkey": key.get(question(browser))})
    assert answer.status_code == 400
    assert "did not ask for finger, face or PIN" in answer.content.decode()
    assert refusals() == [{"why": "unverified", "purpose": "alone"}]


def test_an_answer_counts_once(browser: Named, alice: User) -> None:
    key = Authenticator(count=None)
    added(browser, alice, key)
    answer = key.get(question(browser))
    assert browser.post("/login", {"passkey": answer}).status_code == 302
    browser.post("/logout")
    question(browser)  # the browser has another question by now
    again = browser.post("/login", {"passkey": answer})
    assert again.status_code == 400
    assert "was answered before" in again.content.decode()
    assert refusals() == [{"why": "stale", "purpose": "alone"}]


def test_an_answer_of_another_browser_is_refused(browser: Named, alice: User, key: Authenticator) -> None:
    added(browser, alice, key)
    answer = key.get(question(browser))
    other = Named()
    other.get("/login")
    assert other.post("/login", {"passkey": answer}).status_code == 400
    assert refusals() == [{"why": "stale", "purpose": "alone"}]


def test_an_answer_to_another_question_is_refused(browser: Named, alice: User, key: Authenticator) -> None:
    added(browser, alice, key)
    for_password = key.get(question(browser, username="alice", password=PASSWORD))
    assert browser.post("/login", {"passkey": for_password}).status_code == 400
    open_session(browser, alice, fresh=False)
    for_fresh = key.get(question(browser, "/account/passkey/fresh"))
    browser.post("/account/passkey/invitation")
    assert browser.post("/account/passkey/make", {"passkey": for_fresh}).status_code == 302  # nothing waits
    assert Passkey.objects.count() == 1


def test_an_answer_after_five_minutes_is_refused(browser: Named, alice: User, key: Authenticator) -> None:
    added(browser, alice, key)
    answer = key.get(question(browser))
    PasskeyChallenge.objects.update(made_at=timezone.now() - timedelta(seconds=301))
    assert browser.post("/login", {"passkey": answer}).status_code == 400
    question(browser)
    assert PasskeyChallenge.objects.count() == 1  # old ones are swept with the next


@pytest.mark.parametrize(
    "origin",
    [
        "https://portal.home.arpa",  # another program on this machine, under the same name
        "https://portal.home.arpa:9443",
        "http://portal.home.arpa:8443",
        "https://portal.home.arpa.evil.example:8443",
        "https://testserver:8443",
    ],
)
def test_another_origin_is_refused(browser: Named, alice: User, key: Authenticator, origin: str) -> None:
    added(browser, alice, key)
    assert browser.post("/login", {"passkey": key.get(question(browser), origin=origin)}).status_code == 400
    assert refusals() == [{"why": "wrong", "purpose": "alone"}]


def test_an_origin_is_not_what_the_request_says(alice: User, key: Authenticator) -> None:
    """Whoever fished an answer on another port sends it with that port in Host."""

    class Elsewhere(Named):
        def request(self, **request: object) -> HttpResponse:
            return Browser.request(self, **{**request, "HTTP_HOST": f"{HOST}:1234"})

    added(Named(), alice, key)
    browser = Elsewhere()
    answer = key.get(question(browser), origin=f"https://{HOST}:1234")
    assert browser.post("/login", {"passkey": answer}).status_code == 400


def test_a_passkey_works_under_its_own_name_only(alice: User, key: Authenticator) -> None:
    added(Named(), alice, key)
    browser = Browser()  # testserver, another name of the same portal
    answer = key.get(question(browser), origin="https://testserver:8443", host="testserver")
    assert "made under another name" in browser.post("/login", {"passkey": answer}).content.decode()
    open_session(browser, alice)
    assert f"under {HOST} only" in browser.get("/account").content.decode()


def test_a_counter_that_goes_back_is_refused_and_told(browser: Named, alice: User) -> None:
    key = Authenticator(count=7)
    added(browser, alice, key)
    assert browser.post("/login", {"passkey": key.get(question(browser))}).status_code == 302
    browser.post("/logout")
    key.count = 7
    answer = browser.post("/login", {"passkey": key.get(question(browser))})
    assert "a copy of it may be in use" in answer.content.decode()
    assert AuditEvent.objects.get(action="passkey.copied").target == "alice"
    assert Passkey.objects.get().sign_count == 8


def test_a_passkey_of_somebody_else_is_refused(browser: Named, alice: User, charlie: User) -> None:
    key, other = Authenticator(), Authenticator()
    added(browser, alice, key)
    added(browser, charlie, other)
    asked = question(browser, username="alice", password=PASSWORD)
    given = {"username": "alice", "password": PASSWORD, "passkey": other.get(asked)}
    assert browser.post("/login", given).status_code == 400
    key.user = charlie.pk.bytes  # alice's key, in charlie's name
    assert browser.post("/login", {"passkey": key.get(question(browser))}).status_code == 400
    assert [detail["why"] for detail in refusals()] == ["unknown", "unknown"]


def test_the_same_passkey_is_not_kept_twice(
    browser: Named, alice: User, charlie: User, key: Authenticator
) -> None:
    added(browser, alice, key)
    open_session(browser, charlie)
    browser.post("/account/passkey", {"name": "Mine"})
    answer = key.create(question(browser, "/account/passkey/invitation"))
    assert (
        "belongs to an account here"
        in browser.post("/account/passkey/make", {"passkey": answer}).content.decode()
    )
    assert Passkey.objects.get().user == alice


def test_a_switched_off_account_stays_out(browser: Named, alice: User, key: Authenticator) -> None:
    added(browser, alice, key)
    User.objects.update(is_active=False)
    assert browser.post("/login", {"passkey": key.get(question(browser))}).status_code == 400


ODD = [
    "{",
    "[]",
    "null",
    '"text"',
    "1e999",
    "{}" * 3,
    "[" * 30000,
    "x" * 40000,
    '{"id": 5, "response": {}}',
    '{"id": "AAAA", "response": []}',
    '{"id": "AAAA", "response": {"clientDataJSON": 7}}',
    '{"id": "AAAA", "response": {"clientDataJSON": "é"}}',
    '{"id": "AAAA", "response": {"clientDataJSON": "bnVsbA"}}',
    '{"id": "\\u0000", "response": {"clientDataJSON": "e30"}}',
]


@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_what_is_no_answer_is_a_sentence(browser: Named, db: None, answer: str) -> None:
    page = browser.post("/login", {"passkey": answer})
    assert page.status_code == 400
    assert "is no answer of a passkey" in page.content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"userHandle": None},
        {"userHandle": 5},
        {"signature": ""},
        {"signature": "AAAA"},
        {"signature": ["A"]},
        {"authenticatorData": ""},
        {"authenticatorData": "A" * 20000},
        {"rawId": "AAAA"},
        {"type": "password"},
        {"type": {}},
        {"authenticatorAttachment": "none"},
        {"response": {}},
    ],
    ids=str,
)
def test_a_changed_answer_is_refused(browser: Named, alice: User, key: Authenticator, changes: Json) -> None:
    added(browser, alice, key)
    assert browser.post("/login", {"passkey": key.get(question(browser), **changes)}).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"attestationObject": ""},
        {"attestationObject": "n" * 8000},  # a list in a list in a list
        {"attestationObject": "o2NmbXRjdHBtZ2F0dFN0bXSgaGF1dGhEYXRhQA"},
        {"clientExtensionResults": {"credProps": 5}},
        {"id": "AAAAAAAAAAAAAAAAAAAAAA", "rawId": "AAAAAAAAAAAAAAAAAAAAAA"},  # another one's number
    ],
    ids=str,
)
def test_a_changed_new_passkey_is_refused(
    browser: Named, alice: User, key: Authenticator, changes: Json
) -> None:
    open_session(browser, alice)
    browser.post("/account/passkey", {"name": "Phone"})
    answer = key.create(question(browser, "/account/passkey/invitation"), **changes)
    assert browser.post("/account/passkey/make", {"passkey": answer}).status_code == 400
    assert not Passkey.objects.exists()
    assert refusals()


def test_many_questions_from_one_network_are_refused_for_a_while(db: None) -> None:
    for _ in range(challenges.FROM_ONE_NETWORK):
        assert Named().post("/login/passkey").status_code == 200
    answer = Named().post("/login/passkey")
    assert (answer.status_code, "Wait five minutes" in answer.json()["error"]) == (400, True)


def test_who_asks_without_signing_in_holds_up_nobody_who_is(browser: Named, alice: User) -> None:
    for _ in range(challenges.FROM_ONE_NETWORK + 1):
        last = Named().post("/login/passkey")
    assert last.status_code == 400
    open_session(browser, alice)
    question(browser, "/account/passkey/fresh")


def test_unanswered_questions_and_where_they_came_from_are_forgotten(browser: Named, db: None) -> None:
    question(browser)
    PasskeyChallenge.objects.update(made_at=timezone.now() - timedelta(minutes=6))
    housekeeping.sessions()
    assert not PasskeyChallenge.objects.exists()


def test_who_hammers_a_name_keeps_no_passkey_out(browser: Named, alice: User, key: Authenticator) -> None:
    """From the same address, all the time; in a browser that is new here."""
    added(browser, alice, key)
    browser, stranger = Named(), Named()
    for _ in range(60):
        throttle.begin(throttle.keys_for("alice", "127.0.0.1"))
    spent = key.get(question(stranger))
    assert browser.post("/login", {"passkey": spent}).status_code == 429  # another browser's
    answer = key.get(question(browser))
    assert browser.post("/login", {"passkey": answer}).status_code == 302
    throttle.begin(throttle.keys_for("alice", "127.0.0.1"))
    assert Named().post("/login", {"passkey": answer}).status_code in (400, 429)


def test_one_browser_has_five_questions_that_wait(browser: Named, db: None) -> None:
    for _ in range(8):
        question(browser)
    assert PasskeyChallenge.objects.count() == challenges.IN_ONE_BROWSER


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_answers_at_once_one_counts(browser: Named, alice: User) -> None:
    key = Authenticator(count=None)
    added(browser, alice, key)
    answer = key.get(question(browser))
    cookies = browser.cookies

    def send() -> bool:
        other = Named()
        other.cookies = cookies
        return bool(other.post("/login", {"passkey": answer}).status_code == 302)

    assert in_parallel(16, send).count(True) == 1
