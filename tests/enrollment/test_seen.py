"""Seen at work: noted once and told to its owner and the officers."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra, seen
from enrollment.models import CertificationRequest, Seen
from pki.models import Certificate
from tests.conftest import Browser, open_session
from tests.enrollment.acts import ask

HERE, THERE = "192.0.2.1", "192.0.2.2"
TICK = "Seen on this device"


@pytest.fixture
def certificate(signer: object, alice: User, bob: User) -> Certificate:
    found = ra.approve(request=ask(alice), by=bob, address=HERE).certificate
    assert found is not None
    return found


def request_of(certificate: Certificate) -> CertificationRequest:
    return CertificationRequest.objects.get(certificate=certificate)


def page(user: User, path: str) -> str:
    browser: Client = open_session(Browser(), user)
    return browser.get(path).content.decode()


def test_the_first_time_is_kept_and_audited_and_the_last_one_follows(certificate: Certificate) -> None:
    first = timezone.now()
    assert seen.note(certificate.pk, address=HERE, at=first)
    for later in (timedelta(seconds=5), timedelta(hours=2)):
        assert not seen.note(certificate.pk, address=THERE, at=first + later)
    found = seen.of(certificate)
    assert found is not None
    assert (found.first_at, found.last_at, found.address) == (first, first + timedelta(hours=2), THERE)
    (line,) = AuditEvent.objects.filter(action="certificate.seen")
    assert (line.target, line.address) == (str(certificate.pk), HERE)


def test_reloading_the_page_writes_nothing(certificate: Certificate) -> None:
    first = timezone.now()
    seen.note(certificate.pk, address=HERE, at=first)
    seen.note(certificate.pk, address=THERE, at=first + seen.ANEW / 2)
    assert Seen.objects.get().last_at == first


def test_owner_and_officer_see_the_tick_with_the_time_and_nobody_does_before(
    certificate: Certificate, alice: User, bob: User
) -> None:
    key = request_of(certificate).pk
    pages = ((alice, f"/requests/{key}"), (alice, f"/requests/{key}/state"), (bob, f"/queue/{key}"))
    assert not [path for user, path in pages if TICK in page(user, path)]
    seen.note(certificate.pk, address=HERE, at=timezone.now() - timedelta(hours=3))
    for user, path in pages:
        said = page(user, path)
        assert TICK in said, path
        assert "3 hours ago" in said, path


def test_the_page_waits_for_the_tick_and_says_where_it_comes_from(
    certificate: Certificate, alice: User
) -> None:
    path = f"/requests/{request_of(certificate).pk}"
    assert "data-poll" in page(alice, path)
    assert "https://" in page(alice, path).partition("the check page")[0].rpartition("href=")[2]
    seen.note(certificate.pk, address=HERE, at=timezone.now())
    assert "data-poll" not in page(alice, path)


def test_it_waits_for_no_old_one_and_for_no_revoked_one(certificate: Certificate, bob: User) -> None:
    assert seen.may_come_soon(certificate)
    Certificate.objects.update(issued_at=timezone.now() - timedelta(days=2))
    certificate.refresh_from_db()
    assert not seen.may_come_soon(certificate)
    Certificate.objects.update(issued_at=timezone.now())
    ra.revoke(request=request_of(certificate), by=bob, address=HERE, reason="keyCompromise")
    certificate.refresh_from_db()
    assert not seen.may_come_soon(certificate)


def test_what_was_seen_is_no_longer_asked_to_be_installed(certificate: Certificate, alice: User) -> None:
    path = f"/requests/{request_of(certificate).pk}/state"
    assert "Take it, below" in page(alice, path)
    seen.note(certificate.pk, address=HERE, at=timezone.now())
    assert "Take it, below" not in page(alice, path)
