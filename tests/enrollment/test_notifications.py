"""Who is told what, when a request or certificate changes; and nobody, when it did not."""

from pathlib import Path

import pytest
from django.db import transaction
from django.urls import resolve
from django.utils import timezone
from pytest_django import Settings

from accounts import deliveries, people
from accounts.models import Household, Notice, User
from audit import trail
from enrollment import ra, seen
from enrollment.models import CertificationRequest, Status
from pki.models import Certificate
from portal import news, server_addresses
from tests.conftest import person
from tests.enrollment.acts import HERE, ask, thing

pytestmark = pytest.mark.django_db(transaction=True)


def told(user: User) -> list[str]:
    """Kinds and subjects, the oldest first."""
    found = Notice.objects.filter(user=user).order_by("at")
    assert all(resolve(notice.link) for notice in found)
    return [f"{notice.kind}: {notice.subject}" for notice in found]


def issued(alice: User, bob: User, device: str = "") -> Certificate:
    found = ra.approve(request=ask(alice, device or thing()), by=bob, address=HERE).certificate
    assert found is not None
    return found


def test_officers_who_may_decide_are_told_that_a_request_waits(alice: User, bob: User, dora: User) -> None:
    greta = person("greta", is_officer=True)
    User.objects.filter(pk=alice.pk).update(invited_by=greta)
    alice.refresh_from_db()
    ask(alice, "phone")
    assert told(bob) == ["decide: Alice (alice) asks for a certificate: phone"]
    assert not told(greta)  # she invited alice, and does not decide alone
    assert not told(alice) + told(dora)


def test_where_nobody_may_decide_all_officers_hear_of_it(alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(invited_by=bob)
    alice.refresh_from_db()
    ask(alice)
    assert len(told(bob)) == 1


def test_the_officer_of_a_one_person_household_hears_of_their_own(bob: User) -> None:
    ask(bob, "one")
    assert not told(bob)
    Household.objects.update_or_create(pk=1, defaults={"one_person": True})
    ask(bob, "two")
    assert len(told(bob)) == 1


def test_what_is_decided_is_not_announced_any_more(
    settings: Settings, signer: Path, alice: User, bob: User
) -> None:
    """The mail server was away all the time."""
    settings.MAIL = server_addresses.mail("EMAIL_URL", "smtp://127.0.0.1?tls=none")
    User.objects.filter(pk=bob.pk).update(email="bob@home.arpa")
    request = ask(alice, thing())
    assert deliveries.due().count() == 1
    ra.withdraw(request=request, by=alice, address=HERE)
    assert not deliveries.due().exists()


def test_question_answer_and_refusal_are_told(alice: User, bob: User) -> None:
    request = ask(alice, "phone")
    ra.ask(request=request, by=bob, address=HERE, text="Which phone?")
    assert told(alice) == ["question: A question about phone"]
    assert "“Which phone?”" in Notice.objects.get(user=alice).text
    ra.answer(request=request, by=alice, address=HERE, text="The black one")
    assert told(bob)[-1] == "decide: Alice (alice) answered: phone"
    ra.reject(request=request, by=bob, address=HERE, reason="I do not know it.")
    assert told(alice)[-1] == "decided: Refused: phone"


def test_a_certificate_is_told_when_issued_and_when_first_seen(signer: Path, alice: User, bob: User) -> None:
    device = thing()
    certificate = issued(alice, bob, device)
    seen.note(certificate.pk, address="192.0.2.9", at=timezone.now())
    seen.note(certificate.pk, address="192.0.2.9", at=timezone.now())
    assert told(alice) == [
        f"decided: Your certificate is ready: {device}",
        f"device: In use: {certificate.subject}",
    ]
    assert "192.0.2.9" in Notice.objects.get(kind="device").text


def test_a_device_without_a_key_is_told_as_approved(alice: User, bob: User) -> None:
    request = ra.ask_for_device(by=alice, address=HERE, device=thing())
    assert ra.approve(request=request, by=bob, address=HERE).status == Status.APPROVED
    assert told(alice) == [f"decided: Approved: {request.device}"]


def test_what_lapses_is_told(alice: User, bob: User) -> None:
    ask(alice, "phone")
    CertificationRequest.objects.update(lapses_at="2020-01-01T00:00:00Z")
    assert ra.lapse_overdue() == 1
    assert told(alice) == ["decided: Lapsed: phone"]


def test_nothing_is_told_of_what_is_rolled_back(alice: User, bob: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        ask(alice)
        raise RuntimeError
    assert not Notice.objects.exists()


def test_a_revocation_is_told_whoever_made_it_and_once(signer: Path, alice: User, bob: User) -> None:
    certificate = issued(alice, bob)
    news.tell()
    ra.revoke(request=certificate.request, by=bob, address=HERE, reason="keyCompromise")
    assert news.tell() == "1 lines told"
    assert news.tell() == ""
    notice = Notice.objects.get(kind="revoked")
    assert notice.user == alice
    assert notice.subject == f"Revoked: {certificate.subject}"
    assert "bob revoked your certificate" in notice.text
    assert "lost, stolen or copied" in notice.text


def test_changes_to_an_account_are_told_to_its_owner(alice: User, dora: User) -> None:
    trail.record("login.ok", actor="alice", target="alice")
    news.tell()
    trail.record("app.changed", actor="alice", target="alice")
    people.change_roles(alice, frozenset({"requester", "auditor"}), by=dora)
    news.tell()
    assert told(alice) == ["account: A new app counts", "account: Your roles changed"]


def test_names_made_to_deceive_stay_on_their_line(alice: User, bob: User) -> None:
    alice.full_name = "Bob\u202e\r\nBcc: x@y"
    alice.save()
    ask(alice, "phone")
    (subject,) = told(bob)
    assert subject == "decide: Bob Bcc: x@y (alice) asks for a certificate: phone"
