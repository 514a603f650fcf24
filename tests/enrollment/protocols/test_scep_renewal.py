"""A live certificate renews itself by SCEP, and a dead one does not."""

from datetime import timedelta

import pytest
from cryptography import x509
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from pki import scep
from pki.models import Certificate
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.acts import Phones, again, enrolled, refused
from tests.enrollment.protocols.conftest import Face


@pytest.mark.parametrize("kind", ["17", "19"])
def test_a_live_certificate_renews_itself_once(
    face: Face, phone: Phones, alice: User, bob: User, kind: str
) -> None:
    """By RenewalReq (strongSwan), or by a PKCSReq that the old key signs (certmonger)."""
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    wanted = phone("next").csr()
    (leaf,) = face.asks(mine, mine.ask(wanted, kind)).certificates
    assert leaf.public_key() == phone("next").key.public_key()
    assert leaf.subject == x509.load_der_x509_certificate(bytes(old.der)).subject
    successor = CertificationRequest.objects.get(predecessor=old)
    assert (successor.kind, successor.owner, successor.proof) == ("renewal", alice, {})
    assert face.asks(again(mine), mine.ask(wanted, kind)).certificates == [leaf]
    refused(face.asks(again(mine), mine.ask(phone("third").csr(), kind)))
    line = AuditEvent.objects.get(action="scep.refused")
    assert (line.target, line.detail["why"][:30]) == (str(old.pk), "This certificate was renewed a")
    assert AuditEvent.objects.get(action="request.renewal").detail["renews"] == old.serial


def test_the_same_key_can_be_renewed(face: Face, phone: Phones, alice: User, bob: User) -> None:
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    (leaf,) = face.asks(mine, mine.ask(mine.csr(), "17")).certificates
    assert leaf.public_key() == mine.key.public_key() and f"{leaf.serial_number:x}" != old.serial


def test_a_renewal_waits_for_the_signer_with_its_proof(
    face: Face, phone: Phones, alice: User, bob: User, settings: Settings, issuing: x509.Certificate
) -> None:
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    socket, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, settings.DATA / "nobody.sock"
    assert face.asks(mine, mine.ask(phone("next").csr(), "17")).status == "3"
    settings.SIGNER_SOCKET = socket
    assert ra.issue_waiting() == 1
    assert CertificationRequest.objects.get(predecessor=old).status == Status.ISSUED
    assert len(face.asks(again(mine), mine.poll(issuing)).certificates) == 1


@pytest.mark.parametrize("end", ["revoked", "expired", "left"])
def test_a_dead_certificate_renews_nothing(
    face: Face, phone: Phones, alice: User, bob: User, end: str
) -> None:
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    if end == "revoked":
        Certificate.objects.filter(pk=old.pk).update(revoked_at=timezone.now(), reason="superseded")
    elif end == "expired":
        Certificate.objects.filter(pk=old.pk).update(not_after=timezone.now() - timedelta(seconds=1))
    else:
        User.objects.filter(pk=alice.pk).update(is_active=False)
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")))


def test_the_signer_refuses_what_the_web_side_forgot_to(
    face: Face, phone: Phones, alice: User, bob: User
) -> None:
    """Revoked in the journal; our row says it lives, as after a restored backup."""
    mine = phone()
    old = enrolled(face, mine, alice, bob)
    ra.revoke(request=old.request, by=alice, address=HERE, reason="superseded")
    Certificate.objects.filter(pk=old.pk).update(revoked_at=None, reason="")
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")))
    assert CertificationRequest.objects.get(predecessor=old).status == Status.REJECTED


def test_a_certificate_of_somebody_else_renews_nothing(face: Face, phone: Phones) -> None:
    mine = phone()  # self-signed
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")), "4")


def test_the_ras_own_certificate_renews_nothing(face: Face, phone: Phones, registrar: scep.Ra) -> None:
    mine = phone()
    mine.key, mine.certificate = registrar.key, registrar.certificate
    refused(face.asks(mine, mine.ask(phone("next").csr(), "17")), "4")
