"""After a renewal: the old certificate is revoked once the new one was seen, and not before."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra, replaced, seen
from enrollment.models import CertificationRequest, Kind
from pki import crl, revocation
from pki.models import Certificate
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask, thing

OLD, NEW = "old phone", "phone"


@pytest.fixture
def renewed(signer: object, alice: User, bob: User) -> tuple[Certificate, Certificate]:
    """An old certificate and its successor."""
    old, new = (ra.approve(request=ask(alice, name), by=bob, address=HERE) for name in (OLD, NEW))
    assert old.certificate is not None
    assert new.certificate is not None
    CertificationRequest.objects.filter(pk=new.pk).update(predecessor=old.certificate)
    return old.certificate, new.certificate


def reasons() -> dict[str, str]:
    return {found.request.device: found.reason for found in Certificate.objects.select_related("request")}


def test_the_old_one_stays_until_the_new_one_was_seen(renewed: tuple[Certificate, Certificate]) -> None:
    old, new = renewed
    seen.note(old.pk, address=HERE, at=timezone.now())
    assert replaced.revoke() == 0
    seen.note(new.pk, address=HERE, at=timezone.now())
    assert replaced.revoke() == 1
    assert reasons() == {OLD: "superseded", NEW: ""}
    assert replaced.revoke() == 0


def test_several_are_on_one_new_list(
    renewed: tuple[Certificate, Certificate], alice: User, bob: User
) -> None:
    third, fourth = (ra.approve(request=ask(alice, name), by=bob, address=HERE) for name in ("third", "4th"))
    CertificationRequest.objects.filter(pk=fourth.pk).update(predecessor=third.certificate)
    for found in (renewed[1], fourth.certificate):
        seen.note(found.pk, address=HERE, at=timezone.now())
    revocation.in_force()
    made = AuditEvent.objects.filter(action="crl.published", target="clients")
    before = made.count()
    assert replaced.revoke() == 2
    assert made.count() == before + 1
    listed = crl.current("clients")
    assert all(int(found.serial, 16) in listed for found in (renewed[0], third.certificate))


def test_a_new_one_that_was_revoked_takes_nothing_with_it(
    renewed: tuple[Certificate, Certificate], bob: User
) -> None:
    _, new = renewed
    seen.note(new.pk, address=HERE, at=timezone.now())
    ra.revoke(request=new.request, by=bob, address=HERE, reason="keyCompromise")
    assert replaced.revoke() == 0
    assert reasons()[OLD] == ""


def test_one_that_replaces_nothing_revokes_nothing(renewed: tuple[Certificate, Certificate]) -> None:
    for certificate in renewed:
        seen.note(certificate.pk, address=HERE, at=timezone.now())
    CertificationRequest.objects.update(predecessor=None)
    assert replaced.revoke() == 0


@pytest.mark.parametrize("reason", ["keyCompromise", "cessationOfOperation", "privilegeWithdrawn"])
def test_a_stolen_ones_successors_end_with_it(
    renewed: tuple[Certificate, Certificate], alice: User, bob: User, reason: str
) -> None:
    """The old key alone vouched for them: the thief could have made them, or holds them as well."""
    old, new = renewed
    third = ra.approve(request=ask(alice, "third"), by=bob, address=HERE)
    CertificationRequest.objects.filter(pk=third.pk).update(predecessor=new)
    ra.revoke(request=old.request, by=alice, address=HERE, reason=reason)
    assert reasons() == dict.fromkeys((OLD, NEW, "third"), reason)


def test_what_the_same_stolen_key_renewed_ends_too(
    renewed: tuple[Certificate, Certificate], alice: User, bob: User
) -> None:
    """Two certificates of one key: the one that is reported is not the one that the thief renewed."""
    old, new = renewed
    key = ec.generate_private_key(ec.SECP256R1())
    one = ra.approve(request=ask(alice, thing(), pem=make_csr(key=key)), by=bob, address=HERE)
    ra.revoke(request=one, by=alice, address=HERE, reason="superseded")
    same = ra.approve(request=ask(alice, thing(), pem=make_csr(key=key)), by=bob, address=HERE)
    CertificationRequest.objects.filter(certificate=old).update(predecessor=same.certificate)
    ra.revoke(request=one, by=alice, address=HERE, reason="keyCompromise")
    gone = {one.certificate_id, same.certificate_id, old.pk, new.pk}
    assert set(Certificate.objects.filter(reason="keyCompromise").values_list("pk", flat=True)) == gone


@pytest.mark.parametrize("reason", ["keyCompromise", "cessationOfOperation"])
def test_what_a_crash_left_of_a_lost_one_ends_later(
    renewed: tuple[Certificate, Certificate], reason: str
) -> None:
    """Killed between the revocation and that of what renewed it at the same moment."""
    old, new = renewed
    CertificationRequest.objects.filter(pk=new.request.pk).update(kind=Kind.RENEWAL)
    assert replaced.end_left_over() == 0
    revocation.revoke(old, reason, by="alice", address=HERE)
    assert replaced.end_left_over() == 1
    assert reasons() == dict.fromkeys((OLD, NEW), reason)
    assert replaced.end_left_over() == 0


def test_what_a_person_approved_after_the_loss_stays(renewed: tuple[Certificate, Certificate]) -> None:
    old, new = renewed
    revocation.revoke(old, "keyCompromise", by="alice", address=HERE)
    Certificate.objects.filter(pk=new.pk).update(issued_at=timezone.now())
    assert replaced.end_left_over() == 0
    assert reasons()[NEW] == ""


def test_a_successor_on_hold_ends_for_good(
    renewed: tuple[Certificate, Certificate], alice: User, bob: User
) -> None:
    old, new = renewed
    revocation.revoke(new, revocation.HOLD, by="bob", address=HERE)
    ra.revoke(request=old.request, by=alice, address=HERE, reason="keyCompromise")
    assert reasons() == dict.fromkeys((OLD, NEW), "keyCompromise")


def test_one_that_the_signer_does_not_know_holds_up_no_other(
    renewed: tuple[Certificate, Certificate], alice: User, bob: User
) -> None:
    old, new = renewed
    lost, other = (ra.approve(request=ask(alice, thing()), by=bob, address=HERE) for _ in range(2))
    CertificationRequest.objects.filter(pk=new.request.pk).update(predecessor=lost.certificate)
    CertificationRequest.objects.filter(pk=other.pk).update(predecessor=old)
    Certificate.objects.filter(request=lost).update(serial="abc")
    for certificate in (new, other.certificate):
        assert certificate is not None
        seen.note(certificate.pk, address=HERE, at=timezone.now())
    assert replaced.revoke() == 1
    assert reasons()[OLD] == "superseded"


@pytest.mark.parametrize("reason", ["superseded", "unspecified"])
def test_one_that_is_put_away_leaves_its_successor(
    renewed: tuple[Certificate, Certificate], alice: User, reason: str
) -> None:
    old, _ = renewed
    ra.revoke(request=old.request, by=alice, address=HERE, reason=reason)
    assert reasons() == {OLD: reason, NEW: ""}


def test_the_page_tells_what_ends_with_it_and_what_does_not(
    renewed: tuple[Certificate, Certificate], at_home: Client
) -> None:
    old, new = renewed
    page = at_home.get(f"/certificates/revoke?c={old.pk}").content.decode()
    assert "It was renewed." in page and "It renews an older one," not in page
    page = at_home.get(f"/certificates/revoke?c={new.pk}").content.decode()
    assert "It was renewed." not in page and f'href="/certificates/revoke?c={old.pk}"' in page
