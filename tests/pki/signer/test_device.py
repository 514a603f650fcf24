"""Approved before there is a key: the first key that presents the challenge gets the certificate, once."""

import hashlib
import sqlite3
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID

from pki.errors import CSRRejected, IssuanceRefused, PkiError, SignerUnavailable
from pki.signer import client
from pki.signer.protocol import DeviceEvidence
from tests.pki.signer.makers import SANS, request
from tests.pki.signer.process import Signer
from tests.pki.signer.test_refusals import refused

CHALLENGE = "b4sq-7kxe-m2dn-wz5j-hu3v"


def csr(challenge: str = CHALLENGE, key=None, name="what the phone calls itself"):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if challenge:
        builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
    key = key or ec.generate_private_key(ec.SECP256R1())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def moment(days: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def device(der: bytes = b"", profile: str = "tls-client", **changes):
    """A device that was approved just now; `changes` are to its evidence."""
    wanted = request(profile, der or csr())
    evidence = DeviceEvidence(
        challenge_sha256=hashlib.sha256(CHALLENGE.encode()).hexdigest(),
        expires=moment(6),
        profile=profile,
        organization=wanted.organization,
        common_name=wanted.common_name,
        days=wanted.days,
        requester=wanted.owner,
        approver=str(uuid.uuid4()),
        at=moment(),
        one_person=False,
    )
    return replace(wanted, evidence=replace(evidence, **changes))


def test_the_first_key_gets_it_with_the_approved_names(fresh):
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = x509.load_der_x509_certificate(fresh.issue(device(csr(key=key))))
    assert leaf.public_key() == key.public_key()
    assert leaf.subject.rfc4514_string() == "CN=Anna's phone,O=The Smiths"


def test_the_same_key_gets_the_same_certificate_whatever_its_new_csr_says(fresh):
    key = ec.generate_private_key(ec.SECP256R1())
    wanted = device(csr(key=key))
    first = fresh.issue(wanted)
    assert fresh.issue(replace(wanted, csr=csr(key=key, name="another"))) == first
    assert fresh.issue(replace(wanted, csr=csr("", key))) == first
    assert fresh.journal.counts() == (1, 0)


def test_another_key_is_refused_under_the_same_and_under_another_request(fresh):
    wanted = device()
    fresh.issue(wanted)
    for second in (replace(wanted, csr=csr()), replace(wanted, csr=csr(), request_id=str(uuid.uuid4()))):
        with pytest.raises(IssuanceRefused) as refusal:
            fresh.issue(second)
        assert refusal.value.code == "device-used"
    assert fresh.journal.counts() == (1, 0)


@pytest.mark.slow
def test_of_sixteen_keys_at_once_one_wins(fresh):
    wanted, answers = device(), []
    keys = [csr() for _ in range(16)]

    def ask(der):
        try:
            answers.append(fresh.issue(replace(wanted, csr=der, request_id=str(uuid.uuid4()))))
        except IssuanceRefused as refusal:
            answers.append(refusal.code)

    threads = [threading.Thread(target=ask, args=(der,)) for der in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer for answer in answers if isinstance(answer, str)) == ["device-used"] * 15
    assert fresh.journal.counts() == (1, 0)


def test_the_same_key_gets_its_certificate_after_the_approval_has_lapsed_and_no_other_key_does(
    fresh, monkeypatch
):
    der = csr()
    wanted = device(der)
    first = fresh.issue(wanted)
    monkeypatch.setattr("pki.signer.claims.DEVICE_DAYS", 0)
    assert fresh.issue(wanted) == first
    refused(fresh, device(), "device-lapsed")


@pytest.mark.parametrize("challenge", ["", "guessed", CHALLENGE[:-1], CHALLENGE.upper(), "x" * 300])
def test_a_csr_without_the_challenge_is_refused(fresh, challenge):
    refused(fresh, device(csr(challenge)), "challenge")


def test_a_challenge_that_could_be_guessed_is_refused(fresh):
    refused(fresh, device(csr("short"), challenge_sha256=hashlib.sha256(b"short").hexdigest()), "challenge")
    refused(fresh, device(csr(""), challenge_sha256=hashlib.sha256(b"").hexdigest()), "challenge")


def test_a_csr_that_does_not_hold_its_key_is_rejected_before_anything_else(fresh):
    wanted = device()
    fresh.issue(wanted)
    with pytest.raises(CSRRejected):
        fresh.issue(replace(wanted, csr=csr()[:-1] + b"\0"))


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": moment(-0.1), "at": moment(-1)},
        {"expires": moment(8)},
    ],
)
def test_an_approval_lapses_after_a_week_at_the_latest(fresh, changes):
    refused(fresh, device(**changes), "device-lapsed")


def test_an_approval_from_the_future_waits_as_the_clock_was_put_back(fresh):
    with pytest.raises(SignerUnavailable) as trouble:
        fresh.issue(device(at=moment(0.1), expires=moment(1)))
    assert trouble.value.code == "clock"


@pytest.mark.parametrize(
    "changes",
    [{"common_name": "Eve's phone"}, {"organization": "Others"}, {"days": 30}, {"profile": "mqtt-client"}],
)
def test_what_differs_from_the_approval_is_refused(fresh, changes):
    wanted = device()
    refused(fresh, replace(wanted, evidence=replace(wanted.evidence, **changes)), "device-changed")


def test_a_server_is_not_approved_before_its_key(fresh):
    refused(fresh, replace(device(profile="tls-server"), sans=SANS), "device-profile")


def test_approver_and_requester_are_looked_at_as_ever(fresh):
    wanted = device()
    itself = replace(wanted.evidence, approver=wanted.owner)
    refused(fresh, replace(wanted, evidence=itself), "self-approval")
    refused(fresh, replace(wanted, owner=str(uuid.uuid4())), "owner")
    refused(fresh, device(at="yesterday"), "evidence")
    refused(fresh, device(expires="2026-01-01T00:00:00"), "evidence")
    refused(fresh, device(approver="bob"), "uuid")


def test_the_key_of_somebody_else_is_refused(fresh):
    key = ec.generate_private_key(ec.SECP256R1())
    fresh.issue(request(der=csr(key=key)))
    refused(fresh, device(csr(key=key)), "key-owner")


@pytest.mark.slow
def test_a_real_signer_remembers_who_came_first_and_keeps_the_evidence_without_the_challenge(tmp_path):
    signer = Signer(tmp_path)
    signer.start()
    wanted = device()
    first = client.issue(signer.socket, wanted)
    signer.stop()
    signer.start()
    assert client.issue(signer.socket, wanted) == first
    with pytest.raises(PkiError) as refusal:
        client.issue(signer.socket, replace(wanted, csr=csr()))
    assert refusal.value.code == "device-used" and "tell an officer" in refusal.value.remedy
    _, log = signer.stop()
    database = sqlite3.connect(signer.home / "journal.sqlite3")
    ((evidence, claim),) = database.execute("SELECT evidence, claim FROM certificates").fetchall()
    assert wanted.evidence.approver in evidence and claim == f"device {wanted.evidence.challenge_sha256}"
    assert CHALLENGE not in "\n".join(database.iterdump()) and CHALLENGE not in log
