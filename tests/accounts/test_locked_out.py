"""Every state of being locked out: one test that gets back in, and one that shows that a stranger does not.

docs/getting-back-in.md has a row for each of them, by the same names.
"""

import re
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django_otp.oath import hotp

from accounts import asking_back, invitations, people, recovery, timecodes, totp
from accounts.management.commands import reset_link
from accounts.models import AskedBack, Invitation, Passkey, TotpDevice, User
from tests.accounts.walk import code_of, shown_secret
from tests.accounts.ways import (
    NEW,
    OLD,
    ask,
    compare,
    four_words,
    guess_all,
    hammer,
    is_in,
    log_in,
    on_the_machine,
    passkey_of,
    set_anew,
    wrong_code,
)
from tests.conftest import Browser, let_time_pass, next_code, open_session

pytestmark = pytest.mark.django_db

STATES = (
    *("forgotten_password", "lost_app_with_codes", "lost_app_and_codes", "lost_passkey", "lapsed_link"),
    *("throttled_account", "guessed_codes", "deactivated", "only_officer_lost", "only_administrator_lost"),
    *("whole_household_lost", "wrong_clock"),
)


def test_the_docs_have_a_row_for_each_state_and_each_has_its_two_tests() -> None:
    text = (settings.BASE_DIR / "docs" / "getting-back-in.md").read_text()
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.M)) == STATES
    for state in STATES:
        assert {f"test_{state}_gets_back_in", f"test_{state}_lets_no_stranger_in"} <= set(globals())


# forgotten_password


def test_forgotten_password_gets_back_in(browser: Client, alice: User, bob: User) -> None:
    elsewhere = open_session(Browser(), alice)
    assert compare(bob, alice, ask(browser, " Alice "))
    assert set_anew(browser, browser.get("/back")["Location"])
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert alice.reset_by == bob
    assert not is_in(elsewhere)
    assert four_words(browser.get("/back")) == []


def test_forgotten_password_lets_no_stranger_in(browser: Client, alice: User, bob: User) -> None:
    """Mallory asks for Alice's account after she did: she reads other words to Bob than he sees."""
    told, others = ask(Browser(), "alice"), ask(browser, "alice")
    assert told != others
    assert not compare(bob, alice, told)
    assert four_words(browser.get("/back")) == others
    assert not Invitation.objects.exists()
    mine = Browser()
    assert compare(bob, alice, ask(mine, "alice"))
    assert four_words(browser.get("/back")) == others
    assert mine.get("/back")["Location"].startswith("/invite/")


# lost_app_with_codes


def test_lost_app_with_codes_gets_back_in(browser: Client, alice: User) -> None:
    totp.enrol(alice)
    code = recovery.renew(alice)[0]
    assert log_in(browser, "alice", OLD, code)["Location"] == "/account"
    assert is_in(browser)


def test_lost_app_with_codes_lets_no_stranger_in(browser: Client, alice: User) -> None:
    """Neither with a code that was used, nor with one and a wrong password."""
    used, fresh = recovery.renew(alice)[:2]
    assert totp.verify(alice, used) is not None
    assert log_in(browser, "alice", OLD, used).status_code == 400
    assert log_in(browser, "alice", "guessed the password", fresh).status_code == 400
    assert not is_in(browser)


# lost_app_and_codes


def test_lost_app_and_codes_gets_back_in(browser: Client, alice: User, bob: User) -> None:
    lost = totp.enrol(alice)
    recovery.renew(alice)
    assert compare(bob, alice, ask(browser, "alice"))
    assert set_anew(browser, browser.get("/back")["Location"])
    assert TotpDevice.objects.get(user=alice).pk != lost.pk
    assert recovery.left(alice) == recovery.COUNT


def test_lost_app_and_codes_lets_no_stranger_in(
    browser: Client, alice: User, charlie: User, bob: User
) -> None:
    """Whoever found the phone and knows the name sees what everybody sees; and no requester decides."""
    known, unknown = ask(browser, "alice"), ask(Browser(), "nobody")
    assert len(known) == len(unknown) == 4
    pages = [client.get("/back/state").content for client in (browser, Browser())]
    assert b"When somebody has found" in pages[0]
    other = open_session(Browser(), charlie)
    asked = AskedBack.objects.get(account=alice)
    url = f"/people/{alice.pk}/back"
    assert other.post(url, {"asked": str(asked.pk), "verdict": "same"}).status_code == 404
    stale = open_session(Browser(), bob, fresh=False)
    assert stale.post(url, {"asked": str(asked.pk), "verdict": "same"}).status_code == 400
    assert not Invitation.objects.exists()


# lost_passkey


def test_lost_passkey_gets_back_in(browser: Client, alice: User) -> None:
    """With an app beside it, or with a recovery code; then it is removed."""
    lost = passkey_of(alice)
    assert log_in(browser, "alice", OLD, next_code(alice)).status_code == 302
    assert is_in(browser)
    browser.post(f"/account/factors/passkey/{lost.pk}")
    assert not Passkey.objects.exists()


def test_lost_passkey_lets_no_stranger_in(browser: Client, alice: User, bob: User) -> None:
    """After a reset it is gone as well: it could be a thief's who had the account for an hour."""
    passkey_of(alice)
    mine = Browser()
    assert compare(bob, alice, ask(mine, "alice"))
    assert set_anew(mine, mine.get("/back")["Location"])
    assert not Passkey.objects.exists()
    answer = '{"id": "AAAA", "type": "public-key", "response": {}}'
    assert browser.post("/login", {"passkey": answer}).status_code == 400
    assert not is_in(browser)


# lapsed_link


def test_lapsed_link_gets_back_in(browser: Client, alice: User, bob: User) -> None:
    old = invitations.make(bob, account=alice)
    Invitation.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    assert browser.get(f"/invite/{old}").status_code == 410
    assert compare(bob, alice, ask(browser, "alice"))
    assert set_anew(browser, browser.get("/back")["Location"])


def test_lapsed_link_lets_no_stranger_in(browser: Client, alice: User, bob: User) -> None:
    """Found too late, replaced by another, used: it opens nothing; nor does an asking of yesterday."""
    first, second = invitations.make(bob, account=alice), invitations.make(bob, account=alice)
    assert browser.get(f"/invite/{first}").status_code == 410
    assert set_anew(Browser(), f"/invite/{second}")
    assert browser.get(f"/invite/{second}").status_code == 410
    ask(browser, "alice")
    AskedBack.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    asked = AskedBack.objects.get(account=alice)
    with pytest.raises(asking_back.Refused):
        asking_back.allow(asked.pk, by=bob, address="")
    assert four_words(browser.get("/back")) == []


# throttled_account


def test_throttled_account_gets_back_in(browser: Client, alice: User) -> None:
    """The browser in which she signed in before has a count of its own, and so has a recovery code."""
    assert log_in(browser, "alice", OLD, next_code(alice)).status_code == 302
    browser.post("/logout")
    hammer("alice")
    let_time_pass(alice)
    assert log_in(browser, "alice", OLD, next_code(alice)).status_code == 302
    assert is_in(browser)
    elsewhere = Browser()
    assert log_in(elsewhere, "alice", OLD, recovery.renew(alice)[0]).status_code == 302
    assert is_in(elsewhere)


def test_throttled_account_lets_no_stranger_in(alice: User) -> None:
    """While they wait not even what is right is looked at."""
    stranger = hammer("alice")
    assert log_in(stranger, "alice", OLD, next_code(alice)).status_code == 429
    assert not is_in(stranger)


# guessed_codes


def test_guessed_codes_gets_back_in(browser: Client, alice: User) -> None:
    """The app still does, with two codes in a row."""
    device = guess_all(alice)
    step = int(time.time()) // timecodes.STEP
    pair = f"{hotp(device.secret, step):06d} {hotp(device.secret, step + 1):06d}"
    assert log_in(browser, "alice", OLD, pair).status_code == 302
    assert is_in(browser)


def test_guessed_codes_lets_no_stranger_in(browser: Client, alice: User) -> None:
    """Not even the right code does any more, alone; and a pair is not guessed."""
    device = guess_all(alice)
    assert log_in(browser, "alice", OLD, next_code(alice)).status_code == 400
    assert log_in(browser, "alice", OLD, next_code(alice) + wrong_code(device)).status_code == 400
    assert not is_in(browser)


# deactivated


def test_deactivated_gets_back_in(browser: Client, alice: User, dora: User) -> None:
    people.set_active(alice, False, by=dora)
    assert log_in(browser, "alice", OLD, next_code(alice)).status_code == 400
    administrator = open_session(Browser(), dora)
    assert administrator.post(f"/people/{alice.pk}/active").status_code == 302
    let_time_pass(alice)
    assert log_in(browser, "alice", OLD, next_code(alice)).status_code == 302
    assert is_in(browser)


def test_deactivated_lets_no_stranger_in(browser: Client, alice: User, bob: User, dora: User) -> None:
    """Asking reaches nobody, a link does not come about, and an old one opens nothing."""
    link = invitations.make(bob, account=alice)
    people.set_active(alice, False, by=dora)
    assert len(ask(browser, "alice")) == 4
    assert asking_back.waiting(dora) == asking_back.waiting(bob) == []
    alice.refresh_from_db()
    assert not people.may_reset(dora, alice)
    browser.post(f"/invite/{link}", {"password": NEW})
    secret = shown_secret(browser, f"/invite/{link}/app")
    browser.post(f"/invite/{link}/app", {"code": code_of(secret)})
    assert not is_in(browser)


# only_officer_lost


def test_only_officer_lost_gets_back_in(browser: Client, bob: User, dora: User) -> None:
    assert compare(dora, bob, ask(browser, "bob"))
    assert set_anew(browser, browser.get("/back")["Location"])
    bob.refresh_from_db()
    assert (bob.is_officer, bob.reset_by) == (True, dora)


def test_only_officer_lost_lets_no_stranger_in(browser: Client, alice: User, bob: User, dora: User) -> None:
    """Another officer could decide in their name, so officers do not reset officers; only administrators."""
    other = User.objects.create_user("otto", is_officer=True)
    ask(browser, "bob")
    assert [found.account for found in asking_back.waiting(dora)] == [bob]
    for nobody in (alice, other):
        assert asking_back.waiting(nobody) == []
    asked = AskedBack.objects.get(account=bob)
    page = open_session(Browser(), other)
    assert four_words(page.get(f"/people/{bob.pk}/back")) == []
    page.post(f"/people/{bob.pk}/back", {"asked": str(asked.pk), "verdict": "same"})
    page.post(f"/people/{bob.pk}/back", {"asked": str(asked.pk), "verdict": "different"})
    assert AskedBack.objects.get(account=bob) == asked
    assert not Invitation.objects.exists()


# only_administrator_lost


def test_only_administrator_lost_gets_back_in(browser: Client, dora: User) -> None:
    assert set_anew(browser, on_the_machine("Dora"))
    dora.refresh_from_db()
    assert (dora.is_administrator, dora.reset_by) == (True, None)


def test_only_administrator_lost_lets_no_stranger_in(
    browser: Client, bob: User, dora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody decides on it in the portal; and another user of the machine gets no link."""
    ask(browser, "dora")
    assert asking_back.waiting(bob) == asking_back.waiting(dora) == []
    assert people.who_may_reset(dora) == []
    monkeypatch.setattr(reset_link.os, "geteuid", lambda: settings.WEB_DIR.stat().st_uid + 1)
    with pytest.raises(CommandError, match="belongs to"):
        on_the_machine("dora")
    assert not Invitation.objects.exists()


# whole_household_lost


def test_whole_household_lost_gets_back_in(alice: User, bob: User, dora: User) -> None:
    """One link on the machine, for an administrator; they let in the others."""
    keys = Browser()
    assert set_anew(keys, on_the_machine("dora"))
    dora.refresh_from_db()
    for person in (bob, alice):
        browser = Browser()
        assert compare(dora, person, ask(browser, person.username))
        assert set_anew(browser, browser.get("/back")["Location"])
    assert alice.roles == {"requester"}


def test_whole_household_lost_lets_no_stranger_in(browser: Client, alice: User, dora: User) -> None:
    """A link opens once; and the setup link, which made the first account, makes no second one."""
    path = on_the_machine("dora")
    assert set_anew(Browser(), path)
    assert browser.get(path).status_code == 410
    with pytest.raises(CommandError, match="account already"):
        call_command("setup_link")
    assert browser.get("/setup/guess").status_code == 410


# wrong_clock


def test_wrong_clock_gets_back_in(browser: Client, alice: User) -> None:
    """The page says by how much; with the phone's time set right, or a recovery code, it works again."""
    device = totp.enrol(alice)
    slow = f"{hotp(device.secret, int(time.time()) // timecodes.STEP - 8):06d}"
    page = log_in(browser, "alice", OLD, slow).content.decode()
    assert re.search("about [45] minutes slow", page)
    let_time_pass(alice)
    assert log_in(browser, "alice", OLD, next_code(alice)).status_code == 302
    another = Browser()
    assert log_in(another, "alice", OLD, recovery.renew(alice)[0]).status_code == 302


def test_wrong_clock_lets_no_stranger_in(browser: Client, alice: User) -> None:
    """A code that was called early or late opens nothing, now or when its time comes."""
    device = totp.enrol(alice)
    now = int(time.time()) // timecodes.STEP
    for off in (-8, 5, 8):
        let_time_pass(alice)
        assert log_in(browser, "alice", OLD, f"{hotp(device.secret, now + off):06d}").status_code == 400
    device.refresh_from_db()
    assert device.told_step == now + 8
    assert not is_in(browser)
    assert log_in(browser, "alice", "guessed the password", next_code(alice)).status_code == 400
