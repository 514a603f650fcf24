"""The review page, and the three things an officer can do on it."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts import household
from accounts.models import User
from audit.models import AuditEvent
from enrollment.models import CertificationRequest, Status
from pki.words import words
from tests.conftest import make_csr
from tests.enrollment.acts import ask, hold

pytestmark = pytest.mark.usefixtures("no_signer")

GOOD = {"action": "approve", "common_name": "alice's phone", "days": "90"}


@pytest.fixture
def desk(browser: Client, bob: User, sign_in: Callable[..., Client]) -> Client:
    """bob's browser, with a fresh code."""
    return sign_in(browser, bob)


def decide(client: Client, request: CertificationRequest, **sent: str) -> object:
    answer = client.post(f"/queue/{request.pk}/decide", sent)
    request.refresh_from_db()
    return answer


def test_one_screen_shows_who_what_and_the_words(desk: Client, alice: User) -> None:
    request = ask(alice, pem=make_csr("CN of the CSR"))
    text = desk.get(f"/queue/{request.pk}").content.decode()
    for word in (
        *words(request.key_sha256),
        "Alice (alice)",
        "192.0.2.1",
        "CN of the CSR",
        "changed",
        "left out",
    ):
        assert word in text or word == "left out"
    assert "The first request of this person" in text


def test_an_approval_without_the_signer_waits_and_says_so(desk: Client, alice: User) -> None:
    request = ask(alice)
    answer = decide(desk, request, **GOOD)
    assert answer.status_code == 302
    assert (request.status, request.days) == (Status.APPROVED, 90)
    assert "does not answer" in desk.get(f"/queue/{request.pk}").content.decode()


def test_what_was_typed_stays_when_it_will_not_do(desk: Client, alice: User) -> None:
    request = ask(alice)
    answer = decide(desk, request, **{**GOOD, "days": "4000", "common_name": "kept name"})
    assert answer.status_code == 422 and request.status == Status.PENDING
    assert "between 1 and 365" in answer.content.decode() and "kept name" in answer.content.decode()


def test_a_decision_asks_for_a_fresh_code(
    browser: Client, alice: User, bob: User, sign_in: Callable[..., Client], code_for: Callable[[User], str]
) -> None:
    client = sign_in(browser, bob, fresh=False)
    request = ask(alice)
    for code in ({}, {"code": "000000"}):
        assert decide(client, request, **GOOD, **code).status_code == 422
        assert request.status == Status.PENDING
    assert AuditEvent.objects.filter(action="request.approved").count() == 0


def test_a_fresh_code_lets_it_through_and_is_not_spent_on_a_mistake(
    browser: Client, alice: User, bob: User, sign_in: Callable[..., Client], code_for: Callable[[User], str]
) -> None:
    client = sign_in(browser, bob, fresh=False)
    request, code = ask(alice), code_for(bob)
    assert decide(client, request, **{**GOOD, "days": "0"}, code=code).status_code == 422
    assert decide(client, request, **GOOD, code=code).status_code == 302
    assert request.status == Status.APPROVED


def test_refusing_needs_a_reason_and_the_requester_reads_it(
    desk: Client, alice: User, bob: User, sign_in: Callable[..., Client]
) -> None:
    request = ask(alice)
    assert decide(desk, request, action="reject", reason="  ").status_code == 422
    decide(desk, request, action="reject", reason="Wrong <purpose>.")
    assert request.status == Status.REJECTED
    text = sign_in(desk, alice).get(f"/requests/{request.pk}").content.decode()
    assert "Wrong &lt;purpose&gt;." in text and "sent again" in text


def test_a_question_reaches_the_requester_and_the_answer_comes_back(
    desk: Client, alice: User, bob: User, sign_in: Callable[..., Client]
) -> None:
    request = ask(alice)
    decide(desk, request, action="ask", text="Old or new phone?")
    at_home = sign_in(desk, alice)
    assert "Old or new phone?" in at_home.get(f"/requests/{request.pk}").content.decode()
    assert "Question for you" in at_home.get("/requests/").content.decode()
    empty = at_home.post(f"/requests/{request.pk}/answer", {"text": ""})
    assert empty.status_code == 422
    at_home.post(f"/requests/{request.pk}/answer", {"text": "The new one"})
    assert "The new one" in sign_in(desk, bob).get(f"/queue/{request.pk}").content.decode()


@pytest.mark.parametrize("action", ["approve", "ask", "reject"])
def test_one_s_own_request_is_shown_with_the_way_out(
    browser: Client, alice: User, sign_in: Callable[..., Client], action: str
) -> None:
    alice.is_officer = True
    alice.save()
    request = ask(alice)
    client = sign_in(browser, alice)
    page = client.get(f"/queue/{request.pk}").content.decode()
    assert "your own request" in page and "one-person household" in page
    assert "switch is on" not in page
    assert "Approve and issue" not in page
    answer = decide(client, request, **{**GOOD, "action": action}, text="?", reason="x")
    assert answer.status_code == 422 and request.status == Status.PENDING


def test_with_the_one_person_switch_it_is_possible_and_warned_about(
    browser: Client, alice: User, sign_in: Callable[..., Client]
) -> None:
    alice.is_officer = True
    alice.save()
    house = household.current()
    house.one_person = True
    house.save()
    request = ask(alice)
    client = sign_in(browser, alice)
    page = client.get(f"/queue/{request.pk}").content.decode()
    assert "without a second person" in page
    assert "Compare the four words on this screen" in page
    assert "Make sure that it is them" not in page and "Call Alice" not in page
    decide(client, request, **GOOD)
    assert request.status == Status.APPROVED and request.one_person


def test_a_late_click_changes_nothing_and_spends_no_code(
    browser: Client, alice: User, bob: User, sign_in: Callable[..., Client], code_for: Callable[[User], str]
) -> None:
    client = sign_in(browser, bob, fresh=False)
    request = ask(alice)
    CertificationRequest.objects.filter(pk=request.pk).update(status=Status.WITHDRAWN)
    code = code_for(bob)
    late = decide(client, request, **GOOD, code=code)
    assert late.status_code == 422 and "no longer waiting" in late.content.decode()
    other = ask(alice)
    assert decide(client, other, **GOOD, code=code).status_code == 302


def test_an_officer_whom_the_owner_invited_is_told_so_and_the_audit_says_it(
    desk: Client, alice: User, charlie: User, bob: User
) -> None:
    bob.invited_by = alice
    bob.save()
    of_alice, of_charlie = ask(alice), ask(charlie)
    assert "Alice (alice) invited you" in desk.get(f"/queue/{of_alice.pk}").content.decode()
    assert "invited you" not in desk.get(f"/queue/{of_charlie.pk}").content.decode()
    for request, invited in ((of_alice, True), (of_charlie, False)):
        decide(desk, request, **{**GOOD, "common_name": "a phone"})
        event = AuditEvent.objects.get(action="request.approved", target=str(request.pk))
        assert event.detail["invited_by_requester"] is invited


@pytest.mark.parametrize("path", ["/queue/", "/queue/{}", "/queue/batch"])
def test_whoever_takes_anothers_full_name_is_told_apart_by_the_user_name(
    desk: Client, alice: User, bob: User, path: str
) -> None:
    User.objects.filter(pk=alice.pk).update(full_name="Bob")
    request = ask(alice)
    if path.endswith("batch"):
        page = desk.post(path, {"chosen": [str(request.pk)]})
    else:
        page = desk.get(path.format(request.pk))
    assert "Bob (alice)" in page.content.decode()


def test_an_unknown_action_is_explained(desk: Client, alice: User) -> None:
    request = ask(alice)
    assert decide(desk, request, action="issue").status_code == 422
    assert request.status == Status.PENDING


def test_warnings_name_a_key_seen_before_and_a_new_address(desk: Client, alice: User, charlie: User) -> None:
    pem = make_csr()
    first = ask(alice, pem=pem)
    CertificationRequest.objects.filter(pk=first.pk).update(status=Status.WITHDRAWN, address="192.0.2.77")
    second = ask(charlie, pem=pem)
    assert "This key was sent before: by Alice (alice)" in desk.get(f"/queue/{second.pk}").content.decode()
    third = ask(alice)
    assert "never asked from before" in desk.get(f"/queue/{third.pk}").content.decode()


@pytest.mark.parametrize("csr", [b"rubbish", make_csr("another")])
def test_a_request_changed_in_the_database_is_shown_with_a_warning(
    desk: Client, alice: User, csr: bytes
) -> None:
    request = ask(alice)
    CertificationRequest.objects.filter(pk=request.pk).update(csr=csr)
    page = desk.get(f"/queue/{request.pk}")
    assert page.status_code == 200 and page.context["cautions"][0].startswith("This ")
    assert "not be accepted today" in page.content.decode() or "changed here" in page.content.decode()


def test_several_at_once_take_one_code_and_each_stands_for_itself(
    browser: Client,
    alice: User,
    charlie: User,
    bob: User,
    sign_in: Callable[..., Client],
    code_for: Callable[[User], str],
) -> None:
    charlie.invited_by = bob
    charlie.save()
    good, blocked, gone = ask(alice), ask(charlie), ask(alice, "tablet")
    client = sign_in(browser, bob, fresh=False)
    chosen = [str(good.pk), str(blocked.pk), "rubbish"]
    shown = client.post("/queue/batch", {"chosen": chosen})
    assert shown.status_code == 200 and "Left out: " in shown.content.decode()
    assert client.post("/queue/batch", {"chosen": chosen, "confirmed": "1"}).status_code == 422
    done = client.post("/queue/batch", {"chosen": chosen, "confirmed": "1", "code": code_for(bob)})
    assert done.status_code == 200 and "do not decide alone" in done.content.decode()
    states = [CertificationRequest.objects.get(pk=item.pk).status for item in (good, blocked, gone)]
    assert states == [Status.APPROVED, Status.PENDING, Status.PENDING]


def test_choosing_nothing_leads_back_with_a_hint(desk: Client) -> None:
    answer = desk.post("/queue/batch", {}, follow=True)
    assert "Choose at least one" in answer.content.decode()


def test_a_reload_of_the_state_is_a_fragment_that_knows_what_changed(
    desk: Client, alice: User, bob: User, sign_in: Callable[..., Client]
) -> None:
    request = ask(alice)
    client = sign_in(desk, alice)
    before = client.get(f"/requests/{request.pk}/state")
    CertificationRequest.objects.filter(pk=request.pk).update(status=Status.REJECTED, reason="no")
    after = client.get(f"/requests/{request.pk}/state")
    assert before.context["version"] != after.context["version"]
    assert b"<html" not in after.content
    assert b"data-poll" in before.content and b"data-poll" not in after.content
    assert "state.js" not in client.get(f"/requests/{request.pk}").content.decode()


def test_withdrawing_is_one_click_and_final(
    desk: Client, alice: User, sign_in: Callable[..., Client]
) -> None:
    request = ask(alice)
    client = sign_in(desk, alice)
    client.post(f"/requests/{request.pk}/withdraw")
    again = client.post(f"/requests/{request.pk}/withdraw", follow=True)
    assert "no longer waiting" in again.content.decode()
    assert CertificationRequest.objects.get().status == Status.WITHDRAWN


def test_whoever_approved_their_own_is_led_to_its_page(
    browser: Client, bob: User, alice: User, sign_in: Callable[..., Client]
) -> None:
    desk = sign_in(browser, bob)
    for owner, led in ((bob, True), (alice, False)):
        issued = CertificationRequest.objects.get(pk=hold(owner).request_id)
        page = desk.get(f"/queue/{issued.pk}").content.decode()
        assert (f'href="/requests/{issued.pk}">Finish: to your request' in page) == led
