"""Ten thousand messages of every kind, cut off and with bits turned, through the whole of the status face."""

import hashlib
import random
import sys
from collections import Counter

import pytest
from cryptography import x509

from accounts.models import User
from enrollment import challenges
from enrollment.models import CertificationRequest
from enrollment.protocols import scep_limits
from pki import crl
from pki.models import Certificate
from tests.enrollment.acts import HERE
from tests.enrollment.protocols.acts import Phones, about, approved, enrolled
from tests.enrollment.protocols.conftest import Face
from tests.enrollment.protocols.damage import Kind, mutations
from tests.pki.shapes import sequence, spki

pytestmark = pytest.mark.slow
COUNT = 10_000
SEEDS = (8894, 5652)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one address sends everything, and every envelope is opened."""
    for limit in ("IN_VAIN", "TRIES"):
        monkeypatch.setattr(scep_limits, limit, sys.maxsize)


@pytest.fixture
def kinds(face: Face, phone: Phones, alice: User, bob: User, issuing: x509.Certificate) -> list[Kind]:
    """A phone's first request, a printer's, a poll, a renewal, and the two that fetch."""
    crl.publish("clients")
    holder, newcomer, printer = phone("holder"), phone("newcomer"), phone("printer")
    old = enrolled(face, holder, alice, bob)
    _, of_device = approved(alice, bob)
    of_person = challenges.make(by=alice, address=HERE, device="printer")
    names = sequence(issuing.subject.public_bytes(), printer.certificate.subject.public_bytes())
    wanted = about(issuing, int(old.serial, 16))
    return [
        Kind(newcomer, "19", newcomer.csr(of_device)),
        Kind(printer, "19", printer.csr(of_person)),
        Kind(printer, "20", names),
        Kind(holder, "17", phone("renewed").csr()),
        Kind(holder, "21", wanted),
        Kind(holder, "22", wanted),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_thousand_damaged_messages_break_nothing(
    face: Face, phone: Phones, kinds: list[Kind], unlimited: None, seed: int
) -> None:
    dice, told = random.Random(seed), Counter[str]()
    source = mutations(kinds, dice)
    for _ in range(COUNT // len(SEEDS)):
        answer = face.post(next(source))
        assert answer.status_code in (200, 400)
        told[f"{answer.status_code} {answer.headers['Content-Type']}"] += 1
    assert set(told) == {"200 application/x-pki-message", "400 text/plain; charset=utf-8"}
    keys = {spki(phone(name).key) for name in ("holder", "newcomer", "printer", "renewed")}
    ours = Certificate.objects.filter(profile="tls-client")
    found = [x509.load_der_x509_certificate(bytes(one.der)) for one in ours]
    assert {spki(one) for one in found} <= keys
    assert {one.subject.rfc4514_string() for one in found} == {"CN=alice's phone,O=Our household"}
    digests = {hashlib.sha256(key).hexdigest() for key in keys}
    assert {one.key_sha256 for one in CertificationRequest.objects.exclude(key_sha256="")} <= digests
    assert CertificationRequest.objects.count() <= 4  # two devices, a printer, a renewal
