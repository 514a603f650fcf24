"""Reminders before a certificate ends: one for each day that is set, and none that is not needed."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import household
from accounts.models import Notice, User
from enrollment import notifications, ra, reminders
from enrollment.models import CertificationRequest, Kind, Reminded, Status
from pki.models import Certificate
from tests.enrollment.acts import HERE, ask, thing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def certificate(signer: Path, alice: User, bob: User) -> Certificate:
    found = ra.approve(request=ask(alice, thing()), by=bob, address=HERE).certificate
    assert found is not None
    Certificate.objects.update(not_before=timezone.now() - timedelta(days=300))
    return found


def with_days_left(certificate: Certificate, days: float) -> None:
    certificate.not_after = timezone.now() + timedelta(days=days)
    certificate.save(update_fields=["not_after"])


def reminded(user: User) -> int:
    return Notice.objects.filter(user=user, kind="ends").count()


@pytest.mark.slow
def test_one_at_each_of_30_14_7_and_1_days(certificate: Certificate, alice: User) -> None:
    seen = []
    for half_days in range(80, -1, -1):
        with_days_left(certificate, half_days / 2 + 0.01)
        reminders.remind()
        reminders.remind()
        seen.append(reminded(alice))
    steps = [80 - index for index in range(1, 81) if seen[index] > seen[index - 1]]
    assert [step / 2 for step in steps] == [29.5, 13.5, 6.5, 0.5]
    assert seen[-1] == 4


def test_who_slept_over_several_is_reminded_once(certificate: Certificate, alice: User) -> None:
    with_days_left(certificate, 5)
    assert reminders.remind() == 1
    assert reminders.remind() == 0
    assert Reminded.objects.get().days == 7
    notice = Notice.objects.get(user=alice, kind="ends")
    assert "ends in 4 days" in notice.subject or "ends in 5 days" in notice.subject
    with_days_left(certificate, 0.5)
    assert reminders.remind() == 1
    assert reminded(alice) == 2


def test_none_for_revoked_or_expired_ones(certificate: Certificate, alice: User) -> None:
    with_days_left(certificate, -1)
    assert reminders.remind() == 0
    with_days_left(certificate, 5)
    Certificate.objects.update(revoked_at=timezone.now(), reason="superseded")
    assert reminders.remind() == 0


def test_none_for_renewed_ones(certificate: Certificate, alice: User) -> None:
    with_days_left(certificate, 5)
    successor = CertificationRequest.objects.create(
        kind=Kind.RENEWAL,
        owner=alice,
        status=Status.APPROVED,
        predecessor=certificate,
        profile=certificate.profile,
        device="phone",
        csr=b"",
        common_name=certificate.subject,
        days=30,
    )
    CertificationRequest.objects.filter(pk=successor.pk).update(status=Status.ISSUED)
    assert reminders.remind() == 0
    revoked = Certificate.objects.get()
    revoked.pk, revoked.request_id, revoked.serial, revoked.fingerprint = uuid4(), uuid4(), "7", "7"
    revoked.revoked_at = timezone.now()
    revoked.save(force_insert=True)
    CertificationRequest.objects.filter(pk=successor.pk).update(certificate=revoked)
    assert reminders.remind() == 1  # the new one is gone, so this one counts again


def test_none_at_the_moment_a_short_one_is_made(certificate: Certificate) -> None:
    Certificate.objects.update(not_before=timezone.now() - timedelta(hours=1))
    with_days_left(certificate, 5)
    assert reminders.remind() == 0  # made for five days: 30, 14 and 7 were never ahead of it
    Certificate.objects.update(not_before=timezone.now() - timedelta(days=4))
    with_days_left(certificate, 0.9)
    assert reminders.remind() == 1


def test_a_service_of_our_own_needs_nobody(certificate: Certificate) -> None:
    with_days_left(certificate, 5)
    Certificate.objects.update(owner="service:portal")
    assert reminders.remind() == 0


def test_the_days_are_the_households_choice(certificate: Certificate, alice: User) -> None:
    house = household.current()
    house.reminder_days = {"tls-client": [60, 3], "tls-server": []}
    house.save()
    assert reminders.days_of("tls-client") == [3, 60]
    assert reminders.days_of("mqtt-client") == [1, 7, 14, 30]
    with_days_left(certificate, 50)
    assert reminders.remind() == 1
    house.reminder_days = {"tls-client": []}
    house.save()
    with_days_left(certificate, 2)
    assert reminders.remind() == 0


def test_an_owner_who_is_gone_stops_nothing(certificate: Certificate, alice: User) -> None:
    with_days_left(certificate, 5)
    Certificate.objects.update(owner=str(uuid4()))
    assert notifications.owner_of(Certificate.objects.get()) == []
    assert reminders.remind() == 1
    assert reminders.remind() == 0
    assert not reminded(alice)
