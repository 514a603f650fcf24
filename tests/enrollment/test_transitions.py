"""From each status, where a request may go, and what the audit trail says of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import household
from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra, transitions
from enrollment.models import TRANSITIONS, CertificationRequest, Status
from tests.enrollment.acts import HERE, ask

pytestmark = pytest.mark.usefixtures("no_signer")

Act = Callable[[CertificationRequest, User, User], object]
ACTS: dict[Status, Act] = {
    Status.APPROVED: lambda request, owner, officer: ra.approve(request=request, by=officer, address=HERE),
    Status.REJECTED: lambda request, owner, officer: ra.reject(
        request=request, by=officer, address=HERE, reason="no"
    ),
    Status.WITHDRAWN: lambda request, owner, officer: ra.withdraw(request=request, by=owner, address=HERE),
}
LINES = {Status.APPROVED: "approved", Status.REJECTED: "rejected", Status.WITHDRAWN: "withdrawn"}


@pytest.mark.parametrize("target", ACTS)
@pytest.mark.parametrize("source", Status)
def test_a_person_moves_a_request_only_from_waiting(
    alice: User, bob: User, source: Status, target: Status
) -> None:
    request = ask(alice)
    CertificationRequest.objects.filter(pk=request.pk).update(status=source)
    request.refresh_from_db()
    if source is Status.PENDING:
        ACTS[target](request, alice, bob)
    else:
        with pytest.raises(ra.Refused, match="no longer waiting"):
            ACTS[target](request, alice, bob)
    request.refresh_from_db()
    assert request.status == (target if source is Status.PENDING else source)
    lines = AuditEvent.objects.filter(action=f"request.{LINES[target]}", target=str(request.pk))
    assert lines.count() == (source is Status.PENDING)


@pytest.mark.parametrize("source", Status)
@pytest.mark.parametrize("target", Status)
def test_the_table_of_transitions_is_the_law(alice: User, source: Status, target: Status) -> None:
    request = ask(alice)
    CertificationRequest.objects.filter(pk=request.pk).update(status=source)
    if target in TRANSITIONS[source]:
        transitions.move(request, source, target)
        assert request.status == target
    else:
        with pytest.raises(ValueError, match="no way"):
            transitions.move(request, source, target)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_nobody_talks_about_what_is_decided(alice: User, bob: User, status: Status) -> None:
    request = ask(alice)
    ra.ask(request=request, by=bob, address=HERE, text="Which phone?")
    CertificationRequest.objects.filter(pk=request.pk).update(status=status)
    with pytest.raises(ra.Refused, match="no longer waiting"):
        ra.ask(request=request, by=bob, address=HERE, text="Still there?")
    with pytest.raises(ra.Refused, match="no longer waiting"):
        ra.answer(request=request, by=alice, address=HERE, text="Yes")
    assert request.messages.count() == 1


def test_a_question_is_open_until_it_is_answered(alice: User, bob: User) -> None:
    request = ask(alice)
    with pytest.raises(ra.Refused, match="no open question"):
        ra.answer(request=request, by=alice, address=HERE, text="Hello?")
    ra.ask(request=request, by=bob, address=HERE, text="Which phone?")
    assert ra.question_open(request)
    ra.answer(request=request, by=alice, address=HERE, text="The new one")
    assert not ra.question_open(request)
    assert request.status == Status.PENDING


def test_an_approval_pins_what_is_issued(alice: User, bob: User) -> None:
    request = ra.approve(request=ask(alice), by=bob, address=HERE, common_name="Alice's new phone", days=30)
    assert (request.common_name, request.days, request.decided_by) == ("Alice's new phone", 30, bob)
    assert len(request.profile_digest) == 64
    assert request.organization == household.current().name
    line = AuditEvent.objects.get(action="request.approved")
    assert line.detail["days"] == 30 and line.actor == "bob" and line.address == HERE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"days": 0}, "0 days"),
        ({"days": 366}, "366 days"),
        ({"common_name": "a\u202eb"}, "invisible"),
        ({"common_name": "x" * 65}, "too long"),
    ],
)
def test_an_officer_cannot_leave_the_profile_s_limits(
    alice: User, bob: User, changes: dict[str, object], says: str
) -> None:
    request = ask(alice)
    with pytest.raises(ra.Refused, match=says):
        ra.approve(request=request, by=bob, address=HERE, **changes)
    request.refresh_from_db()
    assert request.status == Status.PENDING


def test_an_officer_cannot_approve_their_own_request(alice: User) -> None:
    alice.is_officer = True
    alice.save()
    request = ask(alice)
    with pytest.raises(ra.Refused, match="your own request"):
        ra.approve(request=request, by=alice, address=HERE)
    with pytest.raises(ra.Refused, match="your own request"):
        ra.reject(request=request, by=alice, address=HERE, reason="no")


def test_the_database_itself_refuses_a_decision_on_one_s_own_request(alice: User) -> None:
    request = ask(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        CertificationRequest.objects.filter(pk=request.pk).update(decided_by=alice)


@pytest.mark.parametrize("tie", ["invited_by", "reset_by"])
def test_whoever_invited_or_reset_a_person_does_not_approve_alone(alice: User, bob: User, tie: str) -> None:
    setattr(alice, tie, bob)
    alice.save()
    request = ask(alice)
    with pytest.raises(ra.Refused, match="do not decide alone"):
        ra.approve(request=request, by=bob, address=HERE)
    ra.reject(request=request, by=bob, address=HERE, reason="Wrong purpose.")  # refusing harms nobody
    assert request.status == Status.REJECTED


def test_the_one_person_switch_lets_them_and_is_written_down(alice: User) -> None:
    house = household.current()
    house.one_person = True
    house.save()
    alice.is_officer = True
    alice.save()
    request = ra.approve(request=ask(alice), by=alice, address=HERE)
    assert request.status == Status.APPROVED and request.one_person
    assert AuditEvent.objects.get(action="request.approved").detail["one_person"] is True


@pytest.mark.parametrize("verb", ["approve", "ask", "reject"])
def test_only_officers_decide(alice: User, charlie: User, erin: User, dora: User, verb: str) -> None:
    request = ask(alice)
    words = {"approve": {}, "ask": {"text": "?"}, "reject": {"reason": "no"}}[verb]
    for somebody in (charlie, erin, dora):
        with pytest.raises(ra.Refused, match="Only an officer"):
            getattr(ra, verb)(request=request, by=somebody, address=HERE, **words)


def test_an_officer_whose_account_is_closed_decides_nothing(alice: User, bob: User) -> None:
    bob.is_active = False
    with pytest.raises(ra.Refused, match="Only an officer"):
        ra.approve(request=ask(alice), by=bob, address=HERE)


def test_nothing_is_approved_for_a_closed_account(alice: User, bob: User) -> None:
    request = ask(alice)
    alice.is_active = False
    alice.save()
    request.refresh_from_db()
    with pytest.raises(ra.Refused, match="is closed"):
        ra.approve(request=request, by=bob, address=HERE)


def test_only_the_owner_withdraws_and_answers(alice: User, bob: User, charlie: User) -> None:
    request = ask(alice)
    ra.ask(request=request, by=bob, address=HERE, text="Which?")
    for somebody in (charlie, bob):
        with pytest.raises(ra.Refused, match="somebody else's"):
            ra.withdraw(request=request, by=somebody, address=HERE)
        with pytest.raises(ra.Refused, match="somebody else's"):
            ra.answer(request=request, by=somebody, address=HERE, text="me")


def test_what_waits_for_more_than_thirty_days_lapses(alice: User) -> None:
    old, new = ask(alice, "old phone"), ask(alice, "new phone")
    CertificationRequest.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert ra.lapse_overdue() == 1
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.status, new.status) == (Status.LAPSED, Status.PENDING)
    assert AuditEvent.objects.get(action="request.lapsed").target == str(old.pk)
    assert ra.lapse_overdue() == 0


def test_a_failed_audit_line_undoes_the_transition(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(alice)

    def broken(*args: object, **kwargs: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("audit.trail.record", broken)
    with pytest.raises(OSError, match="full"):
        ra.withdraw(request=request, by=alice, address=HERE)
    assert CertificationRequest.objects.get(pk=request.pk).status == Status.PENDING
