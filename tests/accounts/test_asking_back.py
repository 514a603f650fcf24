"""Asking to get back in: nobody learns whether a name exists, one asking counts, and people hear of it."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import asking_back, independence, people
from accounts.errors import Refused
from accounts.models import AskedBack, Invitation, Notice, User
from audit.models import AuditEvent
from portal import news
from tests.accounts.test_totp import in_parallel
from tests.accounts.ways import ask, compare, four_words, set_anew
from tests.conftest import Browser, open_session

pytestmark = pytest.mark.django_db


def plain(browser: Client, path: str = "/back") -> str:
    """A page without what differs from browser to browser, and from one second to the next."""
    page = browser.get(path).content.decode()
    varies = r'<ol class="words">.*?</ol>|name="csrfmiddlewaretoken" value="\w+"|<time .*?</time>'
    return re.sub(varies, "", page, flags=re.S)


def told(kind: str) -> list[tuple[str, str]]:
    return sorted((notice.user.username, notice.subject) for notice in Notice.objects.filter(kind=kind))


def test_known_and_unknown_names_look_alike_from_beginning_to_end(alice: User, bob: User) -> None:
    known, unknown = Browser(), Browser()
    assert len(ask(known, "alice")) == len(ask(unknown, "nobody at all \x1b[2J")) == 4
    assert plain(known) == plain(unknown)
    assert plain(known, "/back/state") == plain(unknown, "/back/state")
    asking_back.refuse(AskedBack.objects.get(account=alice).pk, by=bob, address="")
    assert plain(known) == plain(unknown)
    AskedBack.objects.update(lapses_at=timezone.now())
    assert plain(known) == plain(unknown) == plain(Browser())
    actions = AuditEvent.objects.filter(action="person.asked-back").order_by("sequence")
    assert [line.target for line in actions] == ["alice", r"nobody at all \u{1B}[2j"]


def test_asking_is_slowed_down_for_each_name_and_each_network(browser: Client, alice: User) -> None:
    del alice
    answers = [browser.post("/back", {"username": "alice"}).status_code for _ in range(12)]
    assert answers[:6] == [302] * 6
    assert 429 in answers
    other = Browser(REMOTE_ADDR="198.51.100.7")
    answer = other.post("/back", {"username": "alice"})
    assert (answer.status_code, int(answer["Retry-After"]) > 0) == (429, True)
    assert other.post("/back", {"username": "charlie"}).status_code == 302
    assert browser.post("/back", {"username": "charlie"}).status_code == 429


def test_a_newer_asking_takes_the_place_of_the_older_one(alice: User, bob: User) -> None:
    first, second = Browser(), Browser()
    ask(first, "alice")
    old = AskedBack.objects.get(account=alice)
    words = ask(second, "alice")
    with pytest.raises(Refused, match="does not wait any more"):
        asking_back.allow(old.pk, by=bob, address="")
    assert compare(bob, alice, words)
    assert second.get("/back")["Location"].startswith("/invite/")
    assert four_words(first.get("/back"))


@pytest.mark.django_db(transaction=True)
def test_of_many_that_ask_at_once_one_counts(alice: User) -> None:
    results = in_parallel(5, lambda: asking_back.ask("alice", address="192.0.2.1"))
    assert all(isinstance(found, tuple) and found[0] for found in results)
    assert AskedBack.objects.filter(account=alice).count() == 1
    assert AskedBack.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_of_several_who_allow_at_once_one_does(alice: User, bob: User) -> None:
    asking_back.ask("alice", address="192.0.2.1")
    pk = AskedBack.objects.get().pk
    results = in_parallel(4, lambda: asking_back.allow(pk, by=bob, address=""))
    assert results.count(alice) == 1
    assert sum(isinstance(found, Refused) for found in results) == 3
    assert Invitation.objects.count() == 1


def test_the_person_and_who_may_help_are_told_and_nobody_else(
    browser: Client, alice: User, bob: User, charlie: User, dora: User, erin: User
) -> None:
    del charlie, erin
    news.tell()
    words = ask(browser, "alice")
    news.tell()
    subject = "Alice (alice) asks to get back in"
    assert told("back") == [("bob", subject), ("dora", subject)]
    assert told("account") == [("alice", "Somebody asks to get back into your account")]
    assert Notice.objects.get(user=bob).link == f"/people/{alice.pk}/back"
    assert not any(word in notice.text for notice in Notice.objects.all() for word in words if len(word) > 6)
    assert compare(bob, alice, words)
    news.tell()
    assert ("alice", "A browser may set your password and app anew") in told("account")
    assert set_anew(browser, browser.get("/back")["Location"])
    news.tell()
    assert ("alice", "New password and app") in told("account")


def test_who_asks_again_and_again_rings_nobodys_phone_each_time(alice: User, bob: User) -> None:
    """The page shows the newest asking all the same."""
    news.tell()
    for _ in range(4):
        words = ask(Browser(), "alice")
        news.tell()
    assert [len(told(kind)) for kind in ("back", "account")] == [1, 1]
    assert compare(bob, alice, words)
    Notice.objects.update(at=timezone.now() - timedelta(minutes=61))
    ask(Browser(), "alice")
    news.tell()
    assert len(told("back")) == 2


def test_who_let_somebody_in_does_not_decide_alone_for_them_nor_the_other_way_round(
    browser: Client, alice: User, bob: User
) -> None:
    assert independence.is_independent(bob, alice)
    assert compare(bob, alice, ask(browser, "alice"))
    assert independence.is_independent(bob, alice)  # nothing has happened yet
    assert set_anew(browser, browser.get("/back")["Location"])
    alice.refresh_from_db()
    assert not independence.is_independent(bob, alice)
    assert not independence.is_independent(alice, bob)


def test_a_role_that_is_lost_in_between_lets_nobody_in(
    browser: Client, alice: User, bob: User, dora: User
) -> None:
    assert compare(bob, alice, ask(browser, "alice"))
    people.change_roles(bob, frozenset({"requester"}), by=dora)
    url = browser.get("/back")["Location"]
    with pytest.raises(AssertionError):
        assert set_anew(browser, url)
    alice.refresh_from_db()
    assert alice.check_password("correct horse battery")


def test_the_decision_is_about_the_asking_that_the_page_showed(
    browser: Client, alice: User, charlie: User, bob: User, sign_in: Callable
) -> None:
    ask(Browser(), "alice")
    ask(Browser(), "charlie")
    sign_in(browser, bob)
    other = AskedBack.objects.get(account=charlie)
    for sent in (str(other.pk), "nonsense", ""):
        page = browser.post(f"/people/{alice.pk}/back", {"asked": sent, "verdict": "same"}, follow=True)
        assert "does not wait any more" in page.content.decode()
    assert not Invitation.objects.exists()
    assert {found.account for found in asking_back.waiting(bob)} == {alice, charlie}


def test_what_lapsed_is_forgotten_and_what_leads_nowhere_is_limited(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking_back, "AT_MOST", 2)
    asking_back.ask("alice", address="192.0.2.1")
    for number in range(4):
        asking_back.ask(f"nobody{number}", address=f"192.0.2.{number + 2}")
    assert asking_back.sweep() == 2
    assert AskedBack.objects.filter(account=alice).exists()
    AskedBack.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert asking_back.sweep() == 3


def test_the_command_says_who_else_could_and_tells_everybody_who_watches(
    alice: User, bob: User, dora: User, erin: User
) -> None:
    del erin
    other = User.objects.create_user("second", is_administrator=True)
    news.tell()
    out, err = StringIO(), StringIO()
    call_command("reset_link", stdout=out, stderr=err)
    assert re.search(r"^dora +Administrator: second can reset it in the portal$", out.getvalue(), re.M)
    call_command("reset_link", "dora", stdout=out, stderr=err)
    assert "dora need not be reset here: second can do it in the portal" in err.getvalue()
    assert "█" in out.getvalue()
    news.tell()
    subject = "A way back in for Dora (dora) was made on the machine"
    assert told("back") == [(name, subject) for name in ("bob", "erin", "second")]
    assert ("dora", "A link to get back in") in told("account")
    people.set_active(other, False, by=dora)
    err = StringIO()
    call_command("reset_link", "dora", stdout=out, stderr=err)
    assert err.getvalue() == ""
    assert open_session(Browser(), bob).get(f"/people/{alice.pk}").status_code == 200
