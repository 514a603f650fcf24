"""Other people's requests do not exist."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from enrollment.models import CertificationRequest, Status
from tests.enrollment.acts import ask

pytestmark = pytest.mark.usefixtures("no_signer")

OWNERS = ["", "/state", "/qr", "/certificate.pem", "/certificate.p7b", "/finish", "/profile.mobileconfig"]
POSTS = ["/withdraw", "/answer", "/installed"]


@pytest.mark.parametrize("path", OWNERS)
def test_charlie_finds_nothing_of_alice_s(
    alice: User, charlie: User, browser: Client, sign_in: Callable[..., Client], path: str
) -> None:
    request = ask(alice)
    assert sign_in(browser, charlie).get(f"/requests/{request.pk}{path}").status_code == 404


@pytest.mark.parametrize("path", POSTS)
def test_charlie_changes_nothing_of_alice_s(
    alice: User, charlie: User, browser: Client, sign_in: Callable[..., Client], path: str
) -> None:
    request = ask(alice)
    sent = {"text": "me", "reason": "superseded"}
    assert sign_in(browser, charlie).post(f"/requests/{request.pk}{path}", sent).status_code == 404
    request.refresh_from_db()
    assert request.status == Status.PENDING and not request.messages.exists()


def test_a_list_shows_one_s_own_only(
    alice: User, charlie: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    ask(alice, "alice-thing")
    ask(charlie, "charlie-thing")
    text = sign_in(browser, charlie).get("/requests/").content.decode()
    assert "charlie-thing" in text and "alice-thing" not in text


@pytest.mark.parametrize("who", ["alice", "erin", "dora"])
def test_the_queue_is_the_officers_alone(
    request: pytest.FixtureRequest, browser: Client, sign_in: Callable[..., Client], alice: User, who: str
) -> None:
    item = ask(alice)
    client = sign_in(browser, request.getfixturevalue(who))
    for path in ("/queue/", f"/queue/{item.pk}"):
        assert client.get(path).status_code == 404
    for path in (f"/queue/{item.pk}/decide", "/queue/batch"):
        assert client.post(path, {"action": "approve", "chosen": str(item.pk)}).status_code == 404
    assert CertificationRequest.objects.get().status == Status.PENDING


def test_an_officer_who_asks_for_nothing_has_no_requests_page(
    bob: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    assert sign_in(browser, bob).get("/requests/").status_code == 404


def test_an_unknown_request_is_not_found(
    alice: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    client = sign_in(browser, alice)
    assert client.get(f"/requests/{alice.pk}").status_code == 404
    assert client.get("/requests/17").status_code == 404
