"""The funnel: one order, one certificate, however often it is repeated."""

import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from pytest_django import Settings

from pki import issuance, revocation
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.models import Certificate
from pki.signer import client
from pki.signer.protocol import IssuanceRequest
from tests.conftest import make_csr
from tests.pki.orders import order

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_DIR = tmp_path


@pytest.mark.parametrize("profile", ["tls-client", "tls-server", "mqtt-client", "mqtt-broker"])
def test_the_row_says_what_the_certificate_says(signer: Path, profile: str) -> None:
    device = f"device-{uuid.uuid4().hex[:8]}"  # of a device's name there is one owner
    wanted = order(profile, common_name=device)
    row = issuance.issue(wanted)
    leaf = x509.load_der_x509_certificate(bytes(row.der))
    assert f"{leaf.serial_number:x}" == row.serial
    assert (row.not_before, row.not_after) == (leaf.not_valid_before_utc, leaf.not_valid_after_utc)
    assert (row.owner, row.subject, row.sans) == (wanted.owner, device, list(wanted.sans))


def test_repeating_gives_the_same_row(signer: Path) -> None:
    wanted = order()
    assert issuance.issue(wanted) == issuance.issue(wanted)
    assert Certificate.objects.count() == 1


def test_a_certificate_that_was_signed_but_not_stored_is_not_lost(signer: Path) -> None:
    wanted = order()
    first = issuance.issue(wanted)
    Certificate.objects.all().delete()  # a crash before our transaction
    assert issuance.issue(wanted).fingerprint == first.fingerprint


def test_what_is_revoked_before_its_row_is_there_gets_none(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that was followed without a row would never reach it: OCSP would go on saying good."""
    key, ask = ec.generate_private_key(ec.SECP256R1()), client.issue
    first = order(pem=make_csr(key=key))
    second = order(pem=make_csr(key=key), owner=first.owner)
    second = replace(second, evidence=replace(second.evidence, requester=first.owner))
    known = issuance.issue(first)

    def reported_meanwhile(socket: Path, wanted: IssuanceRequest) -> bytes:
        monkeypatch.undo()
        der = ask(socket, wanted)
        revocation.revoke(known, "keyCompromise", by="alice", address="")
        return der

    monkeypatch.setattr(client, "issue", reported_meanwhile)
    with pytest.raises(IssuanceRefused, match="revoked"):
        issuance.issue(second)
    assert list(Certificate.objects.values_list("reason", flat=True)) == ["keyCompromise"]


def test_the_signer_s_refusal_comes_through(signer: Path) -> None:
    with pytest.raises(IssuanceRefused):
        issuance.issue(order(csr=order().csr))  # another CSR than the approved one
    with pytest.raises(IssuanceRefused):
        issuance.issue(order(profile_digest="0" * 64))
    assert not Certificate.objects.exists()


def test_a_signer_that_is_down_is_told_apart(settings: Settings, tmp_path: Path) -> None:
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    with pytest.raises(SignerUnavailable):
        issuance.issue(order())


def test_an_answer_for_another_key_is_not_stored(signer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = bytes(issuance.issue(order()).der)
    monkeypatch.setattr("pki.signer.client.issue", lambda path, request: foreign)
    with pytest.raises(IssuanceRefused, match="another key"):
        issuance.issue(order(pem=make_csr()))


@pytest.mark.django_db(transaction=True)
def test_it_is_never_asked_for_inside_a_transaction(signer: Path) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        issuance.issue(order())
