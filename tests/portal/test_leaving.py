"""Somebody leaves: one click ends everything of theirs and says so line by line; nothing stops half done."""

from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import asking_back, invitations, people, recovery
from accounts.errors import Refused
from accounts.models import AskedBack, CalendarLink, Channel, Departure, Invitation, TotpDevice, User
from audit.models import AuditEvent
from door import pins
from door.models import Group, Pin, Rule
from enrollment import calendar, challenges, handover, ra, revoking
from enrollment.models import EnrolmentChallenge, HandOver, PaperCode, Status
from pki.models import Certificate
from portal import housekeeping, leaving
from tests.conftest import Browser
from tests.door.acts import let, make_door
from tests.enrollment.acts import HERE, ask, thing

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(signer: Path, alice: User, bob: User, dora: User) -> User:
    """Alice, with something of everything."""
    del signer, dora
    live = ra.approve(request=ask(alice, thing()), by=bob, address=HERE)
    assert live.certificate is not None
    revoking.make_paper_code(live.certificate, by=alice, address=HERE)
    ask(alice, thing())
    ra.approve(
        request=ra.ask_for_device(by=alice, address=HERE, device=thing(), note=""), by=bob, address=HERE
    )
    calendar.make(alice, everybody=False, address=HERE)
    handover.make(alice, address=HERE)
    challenges.make(by=alice, address=HERE, device=thing())
    Channel.objects.create(user=alice, name="Telegram").url = "tgram://1/2"
    let(alice, make_door(bob))
    Group.objects.create(name="Family").members.add(alice)
    pins.put(alice, "428175", address=HERE)
    recovery.renew(alice)
    asking_back.ask("alice", address=HERE)
    invitations.make(bob, account=alice)
    return alice


def left_over(person: User) -> dict[str, int]:
    """How many rows there still are of what must end."""
    rows = {
        "certificates": Certificate.objects.filter(owner=str(person.pk), revoked_at=None),
        "requests": person.requests.filter(status__in=[Status.PENDING, Status.APPROVED]),
        "paper": PaperCode.objects.filter(used_at=None),
        "challenges": EnrolmentChallenge.objects.all(),
        "handovers": HandOver.objects.all(),
        "calendars": CalendarLink.objects.all(),
        "channels": Channel.objects.all(),
        "rules": Rule.objects.filter(person=person),
        "groups": person.door_groups.all(),
        "pins": Pin.objects.all(),
        "apps": TotpDevice.objects.filter(user=person),
        "recovery": person.recoverydevice_set.all(),
        "links": Invitation.objects.filter(used_at=None),
        "asking": AskedBack.objects.filter(account=person),
    }
    return {name: found.count() for name, found in rows.items() if found.exists()}


def test_one_click_ends_everything_and_says_so_line_by_line(
    browser: Client, house: User, dora: User, sign_in: Callable
) -> None:
    own = sign_in(Browser(), house)
    assert own.get("/account").status_code == 200
    assert len(left_over(house)) == 14
    sign_in(browser, dora)
    shown = unescape(browser.get(f"/people/{house.pk}/leave").content.decode())
    certificate = Certificate.objects.get(owner=str(house.pk))
    for words in (
        certificate.subject,
        "Telegram",
        "Group Family",
        "Front door: Alice (alice)",
        "Recovery codes",
    ):
        assert words in shown
    answer = browser.post(f"/people/{house.pk}/leave")
    assert answer["Location"] == f"/people/{house.pk}/left"
    page = browser.get(answer["Location"]).content.decode()
    assert "Everything has ended" in page
    assert "Still there" not in page
    assert left_over(house) == {}
    house.refresh_from_db()
    assert (house.is_active, house.roles, house.has_usable_password()) == (False, frozenset(), False)
    certificate.refresh_from_db()
    assert certificate.reason == "cessationOfOperation"
    assert own.get("/account").status_code == 302
    lines = set(AuditEvent.objects.filter(actor="dora").values_list("action", flat=True))
    assert {"person.left", "person.left-done", "certificate.revoked", "request.withdrawn"} <= lines
    assert {"door.rule.removed", "door.group.changed", "invitation.withdrawn", "session.ended"} <= lines


def test_it_needs_a_fresh_code(
    browser: Client, alice: User, bob: User, dora: User, sign_in: Callable, code_for: Callable
) -> None:
    sign_in(browser, dora, fresh=False)
    refused = browser.post(f"/people/{alice.pk}/leave")
    assert refused.status_code == 422
    assert User.objects.get(pk=alice.pk).is_active
    assert browser.post(f"/people/{alice.pk}/leave", {"code": code_for(dora)}).status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active


def test_without_the_signer_the_account_is_shut_and_housekeeping_ends_the_rest(
    browser: Client, house: User, dora: User, sign_in: Callable, settings: Settings
) -> None:
    there, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, Path("/nonexistent/signer.sock")
    sign_in(browser, dora)
    page = browser.post(f"/people/{house.pk}/leave", follow=True).content.decode()
    certificate = Certificate.objects.get(owner=str(house.pk))
    assert "Not everything has ended yet" in page
    assert f"Still there: <bdi>{certificate.subject}</bdi>" in unescape(page)
    assert set(left_over(house)) == {"certificates"}
    assert not User.objects.get(pk=house.pk).is_active
    with pytest.raises(Refused, match="Not everything"):
        people.set_active(house, True, by=dora)
    assert leaving.finish() == ""
    settings.SIGNER_SOCKET = there
    steps = [step for step in housekeeping.STEPS if step.name == "departures"]
    assert housekeeping.tidy(steps) == {"departures": ""}
    assert left_over(house) == {}
    assert "Everything has ended" in browser.get(f"/people/{house.pk}/left").content.decode()
    assert leaving.finish() == ""


def test_what_was_approved_while_the_signer_was_away_is_revoked_when_it_is_issued(
    signer: Path, alice: User, bob: User, dora: User, settings: Settings
) -> None:
    there, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, Path("/nonexistent/signer.sock")
    request = ra.approve(request=ask(alice, thing()), by=bob, address=HERE)
    departure = leaving.leave(alice, by=dora, address=HERE)
    assert departure.finished_at is None
    settings.SIGNER_SOCKET = there
    leaving.finish()
    assert Departure.objects.get().finished_at is None
    ra.issue_waiting()
    leaving.finish()
    request.refresh_from_db()
    assert request.certificate is not None
    assert request.certificate.reason == "cessationOfOperation"
    assert Departure.objects.get().finished_at is not None


def test_a_certificate_that_the_signer_does_not_know_keeps_none_of_the_others(
    house: User, dora: User
) -> None:
    known = Certificate.objects.get(owner=str(house.pk))
    fields = {name: getattr(known, name) for name in ("owner", "authority", "profile", "der", "not_after")}
    unknown = Certificate.objects.create(
        **fields,
        request_id=house.pk,
        serial="ab",
        fingerprint="0" * 64,
        key_sha256="0" * 64,
        subject="unknown",
        not_before=timezone.now(),
    )
    departure = leaving.leave(house, by=dora, address=HERE)
    assert departure.finished_at is None
    assert departure.trouble
    assert list(Certificate.objects.filter(owner=str(house.pk), revoked_at=None)) == [unknown]


def test_the_only_officer_stays_until_somebody_follows(
    browser: Client, alice: User, bob: User, dora: User, sign_in: Callable
) -> None:
    sign_in(browser, dora)
    page = browser.get(f"/people/{bob.pk}/leave").content.decode()
    assert "Bob (bob) is the only officer" in page
    assert "It could be: Alice (alice), Dora (dora)" in page
    assert "Shut everything" not in page
    assert browser.post(f"/people/{bob.pk}/leave").status_code == 422
    people.change_roles(alice, frozenset({"officer"}), by=dora)
    assert browser.post(f"/people/{bob.pk}/leave").status_code == 302
    assert not User.objects.get(pk=bob.pk).is_active


def test_the_only_administrator_stays_and_nobody_shuts_their_own_account(
    browser: Client, alice: User, bob: User, dora: User, sign_in: Callable
) -> None:
    sign_in(browser, dora)
    assert "Dora (dora) is the only administrator" in browser.get(f"/people/{dora.pk}/leave").content.decode()
    assert browser.post(f"/people/{dora.pk}/leave").status_code == 422
    people.change_roles(bob, frozenset({"officer", "administrator"}), by=dora)
    assert "Another administrator does this" in browser.get(f"/people/{dora.pk}/leave").content.decode()
    assert browser.post(f"/people/{dora.pk}/leave").status_code == 422
    leaving.leave(dora, by=bob, address=HERE)
    assert not User.objects.get(pk=dora.pk).is_active


def test_who_comes_back_has_an_account_and_nothing_else(
    browser: Client, house: User, dora: User, sign_in: Callable
) -> None:
    leaving.leave(house, by=dora, address=HERE)
    sign_in(browser, dora)
    assert (
        "Certificates, door rules and all the rest stay ended"
        in browser.get(f"/people/{house.pk}/active").content.decode()
    )
    browser.post(f"/people/{house.pk}/active")
    back = User.objects.get(pk=house.pk)
    assert (back.is_active, back.roles, back.has_usable_password()) == (True, frozenset(), False)
    assert left_over(back) == {}
    assert not Departure.objects.exists()
    assert not people.may_reset(house, back)
    assert people.may_reset(dora, back)
    assert browser.get(f"/people/{back.pk}").status_code == 200
