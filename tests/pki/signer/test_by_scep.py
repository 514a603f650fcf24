"""From a phone's SCEP message to its certificate, with the signer's own RA certificate: all but HTTP."""

import hashlib
from dataclasses import replace

import pytest
from cryptography import x509

from pki import names, scep
from pki.errors import IssuanceRefused
from pki.failinfo import fail_info
from pki.profiles import EVERY
from tests.pki.scep_client import Phone, rsa_key
from tests.pki.signer.makers import by_itself, csr, request
from tests.pki.signer.test_device import CHALLENGE, device


@pytest.fixture
def ra(fresh):
    """What the status face would hold."""
    key, profile = rsa_key("the RA"), EVERY["scep-ra"]
    wanted = replace(request(), csr=csr(key), common_name=names.SCEP, **by_itself("scep"))
    wanted = replace(wanted, profile="scep-ra", profile_digest=profile.digest)
    return scep.Ra(key, x509.load_der_x509_certificate(fresh.issue(wanted)))


def answer(service, ra, approved, sent):
    """The responder's reply: the approval's request with the CSR that came."""
    message = scep.decode(sent, ra)
    try:
        leaf = service.issue(replace(approved, csr=message.content))
    except IssuanceRefused as refusal:
        return scep.failure(ra, message.transaction, fail_info(refusal))
    return scep.success(ra, message.transaction, certificates=[leaf])


def test_a_phone_is_approved_makes_its_key_and_gets_its_certificate_once(fresh, ra):
    approved, phone = device(), Phone(ra.certificate)
    reply = phone.read(answer(fresh, ra, approved, phone.ask(phone.csr(CHALLENGE))))
    (leaf,) = reply.certificates
    assert leaf.public_key() == phone.key.public_key()
    assert leaf.subject.rfc4514_string() == "CN=Anna's phone,O=The Smiths"  # not what the phone's CSR says
    again = phone.read(answer(fresh, ra, approved, phone.ask(phone.csr(CHALLENGE, "other"))))
    assert again.certificates == [leaf]
    thief = Phone(ra.certificate, name="thief")
    assert thief.read(answer(fresh, ra, approved, thief.ask(thief.csr(CHALLENGE)))).fail_info == "2"


def test_a_guessed_challenge_gets_a_refusal_and_uses_nothing_up(fresh, ra):
    approved, phone = device(), Phone(ra.certificate, "des3", "sha1")
    refused = phone.read(answer(fresh, ra, approved, phone.ask(phone.csr("a guess that is long enough"))))
    assert (refused.status, refused.fail_info) == ("2", "2")
    assert phone.read(answer(fresh, ra, approved, phone.ask(phone.csr(CHALLENGE)))).status == "0"


def test_the_evidence_names_the_challenge_by_its_digest(fresh, ra):
    approved, phone = device(), Phone(ra.certificate)
    answer(fresh, ra, approved, phone.ask(phone.csr(CHALLENGE)))
    assert fresh.journal.claimed(f"device {hashlib.sha256(CHALLENGE.encode()).hexdigest()}")
