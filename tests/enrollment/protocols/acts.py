"""What phones do, in one line each."""

import os
from collections.abc import Callable

from cryptography import x509

from accounts.models import User
from enrollment import devices, ra
from enrollment.models import CertificationRequest
from pki.models import Certificate
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.conftest import Face
from tests.pki.scep_client import Phone, Reply
from tests.pki.shapes import integer, sequence

Phones = Callable[..., Phone]


def again(phone: Phone) -> Phone:
    """Before its next message."""
    phone.nonce = os.urandom(16)
    return phone


def approved(alice: User, bob: User) -> tuple[CertificationRequest, str]:
    """A device that waits for its key, and its challenge."""
    asked = ra.ask_for_device(by=alice, address=HERE, device="phone")
    done = ra.approve(request=asked, by=bob, address=HERE)
    return done, devices.challenge_of(done)


def enrolled(face: Face, phone: Phone, alice: User, bob: User) -> Certificate:
    """The phone has its certificate, and from now on signs with it."""
    _, challenge = approved(alice, bob)
    (leaf,) = face.asks(phone, phone.ask(phone.csr(challenge))).certificates
    phone.certificate = leaf
    again(phone)
    return Certificate.objects.get(owner=str(alice.pk), revoked_at=None)


def refused(reply: Reply, why: str = "2") -> None:
    assert (reply.status, reply.fail_info, reply.certificates) == ("2", why, [])


def about(issuer: x509.Certificate, serial: int) -> bytes:
    return sequence(issuer.subject.public_bytes(), integer(serial))
