"""Reset links: who may make one for whom, and what it changes; the way back for the last administrator."""

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import invitations, people, recovery
from accounts.errors import Refused
from accounts.models import RecoveryCode, Role, TotpDevice, User
from audit.models import AuditEvent
from tests.accounts.walk import GOOD, code_of, join, shown_secret
from tests.conftest import Browser

pytestmark = pytest.mark.django_db

REQUESTER = frozenset({"requester"})


def test_a_reset_sets_everything_anew_and_ends_the_sessions(
    browser: Client, alice: User, bob: User, sign_in: Callable
) -> None:
    sign_in(browser, alice)
    old_codes = recovery.renew(alice)
    old_device = TotpDevice.objects.get()
    url = f"/invite/{invitations.make(bob, account=alice)}"
    new = Browser()
    new.post(url, {"password": "entirely new words"})
    new.post(f"{url}/app", {"code": code_of(shown_secret(new, f"{url}/app"))})
    alice.refresh_from_db()
    assert alice.check_password("entirely new words")
    assert (alice.reset_by, alice.username, alice.full_name) == (bob, "alice", "Alice")
    assert browser.get("/account").status_code == 302
    assert new.get("/account").status_code == 200
    assert TotpDevice.objects.get().secret != old_device.secret
    codes = {code.digest for code in RecoveryCode.objects.all()}
    assert len(codes) == 10
    device = alice.recoverydevice_set.get()
    assert not codes & {device.digest(recovery.normalised(code)) for code in old_codes}
    assert AuditEvent.objects.get(action="person.reset").detail["link of"] == "bob"


def test_a_left_reset_changes_nothing(browser: Client, alice: User, bob: User, sign_in: Callable) -> None:
    sign_in(browser, alice)
    url = f"/invite/{invitations.make(bob, account=alice)}"
    Browser().post(url, {"password": "entirely new words"})
    alice.refresh_from_db()
    assert alice.check_password("correct horse battery")
    assert alice.reset_by is None
    assert browser.get("/account").status_code == 200


def test_a_newer_reset_link_takes_the_place_of_the_older_one(browser: Client, alice: User, bob: User) -> None:
    first = invitations.make(bob, account=alice)
    second = invitations.make(bob, account=alice)
    assert browser.get(f"/invite/{first}").status_code == 410
    assert browser.get(f"/invite/{second}").status_code == 200


def test_only_administrators_give_roles_by_invitation(alice: User, bob: User, dora: User, erin: User) -> None:
    for by, allowed in ((alice, set()), (erin, set()), (bob, {"requester"}), (dora, set(people.ROLES))):
        assert people.grantable(by) == allowed
        for role in Role:
            if role.value in allowed:
                invitations.make(by, roles=frozenset({role.value}))
            else:
                with pytest.raises(Refused):
                    invitations.make(by, roles=frozenset({role.value}))


def test_officers_reset_requesters_only_and_nobody_themselves(alice: User, bob: User, dora: User) -> None:
    carl = User.objects.create_user("carl", is_officer=True)
    assert people.may_reset(bob, alice)
    assert not people.may_reset(bob, carl)
    assert not people.may_reset(bob, dora)
    assert not people.may_reset(bob, bob)
    assert not people.may_reset(alice, bob)
    assert people.may_reset(dora, carl)
    assert not people.may_reset(dora, dora)
    with pytest.raises(Refused):
        invitations.make(bob, account=carl)


def test_the_machines_owner_makes_a_way_back_for_the_last_administrator(
    browser: Client, dora: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("reset_link", "Dora")
    url = capsys.readouterr().out.splitlines()[0]
    assert url.startswith("https://portal.home.arpa:8443/invite/")
    path = url.removeprefix("https://portal.home.arpa:8443")
    assert "on the machine that runs Latchkey" in browser.get(path).content.decode()
    assert join(browser, path)["Location"] == "/account/recovery"
    dora.refresh_from_db()
    assert dora.check_password(GOOD["password"])
    assert dora.reset_by is None
    assert AuditEvent.objects.get(action="person.reset").detail["link of"] == "the terminal"
    assert "the terminal" not in browser.get("/people").content.decode()
    with pytest.raises(CommandError, match="There are: dora"):
        call_command("reset_link", "nobody")
    User.objects.create(username="\x1b[2Jmallory", is_active=True)
    with pytest.raises(CommandError) as refusal:
        call_command("reset_link", "\u202enobody\n")
    assert str(refusal.value).isprintable()
    with pytest.raises(Refused):
        invitations.make(None, roles=REQUESTER)
