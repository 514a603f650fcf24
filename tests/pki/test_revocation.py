"""Revoking: the signer's journal, our row, a new list; and what heals after a crash between them."""

from pathlib import Path

import pytest
from cryptography import x509
from pytest_django import Settings

from audit import trail
from audit.models import AuditEvent
from pki import crl, issuance, revocation
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.models import Certificate
from pki.signer import client
from tests.pki.orders import order

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_DIR = tmp_path


def listed(certificate: Certificate) -> x509.RevokedCertificate | None:
    published = x509.load_der_x509_crl(crl.published(certificate.authority))
    return published.get_revoked_certificate_by_serial_number(int(certificate.serial, 16))


def reason_of(entry: x509.RevokedCertificate) -> str:
    """An entry without the extension means unspecified (RFC 5280 5.3.1)."""
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return "unspecified"


@pytest.mark.parametrize("reason", [*revocation.REASONS, revocation.HOLD])
def test_every_reason_reaches_the_list(signer: Path, reason: str) -> None:
    certificate = revocation.revoke(issuance.issue(order()), reason, by="alice", address="192.0.2.1")
    entry = listed(certificate)
    assert certificate.revoked_at is not None and certificate.reason == reason
    assert entry is not None and entry.revocation_date_utc == certificate.revoked_at
    assert reason_of(entry) == reason
    line = AuditEvent.objects.get(action="certificate.revoked")
    assert (line.actor, line.address, line.detail["reason"]) == ("alice", "192.0.2.1", reason)


def test_the_first_time_and_reason_stay(signer: Path) -> None:
    certificate = revocation.revoke(issuance.issue(order()), "keyCompromise", by="alice", address="")
    first = certificate.revoked_at
    certificate = revocation.revoke(certificate, "superseded", by="bob", address="")
    assert (certificate.revoked_at, certificate.reason) == (first, "keyCompromise")
    assert AuditEvent.objects.filter(action="certificate.revoked").count() == 1


def test_a_hold_can_become_final_and_not_the_other_way_round(signer: Path) -> None:
    certificate = revocation.revoke(issuance.issue(order()), revocation.HOLD, by="alice", address="")
    first = certificate.revoked_at
    for reason in ("keyCompromise", revocation.HOLD, "superseded"):
        certificate = revocation.revoke(certificate, reason, by="bob", address="")
        entry = listed(certificate)
        assert (certificate.revoked_at, certificate.reason) == (first, "keyCompromise")
        assert entry is not None and reason_of(entry) == "keyCompromise"
    assert AuditEvent.objects.filter(action="certificate.revoked").count() == 2


def test_without_the_signer_nothing_happens(signer: Path, settings: Settings, tmp_path: Path) -> None:
    certificate = issuance.issue(order())
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    with pytest.raises(SignerUnavailable):
        revocation.revoke(certificate, "superseded", by="alice", address="")
    certificate.refresh_from_db()
    assert certificate.revoked_at is None


def test_a_certificate_the_signer_never_made_cannot_be_revoked(signer: Path) -> None:
    certificate = issuance.issue(order())
    certificate.serial = "123456"
    with pytest.raises(IssuanceRefused):
        revocation.revoke(certificate, "superseded", by="alice", address="")


def test_a_crash_before_our_row_heals(signer: Path) -> None:
    certificate = issuance.issue(order())
    client.revoke(signer, "clients", certificate.serial, "keyCompromise", "alice")
    crl.publish("clients")
    revocation.catch_up()
    certificate.refresh_from_db()
    assert certificate.reason == "keyCompromise" and certificate.revoked_at is not None


def test_a_crash_before_the_list_heals(signer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = issuance.issue(order())
    crl.publish("clients")

    def crash(authority: str) -> None:
        raise SignerUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr("pki.crl.publish", crash)
        revocation.revoke(certificate, "superseded", by="alice", address="")
    assert listed(certificate) is None
    revocation.catch_up()
    assert listed(certificate) is not None


def test_catching_up_with_nothing_to_do_publishes_nothing(signer: Path) -> None:
    revocation.catch_up()
    before = AuditEvent.objects.count()
    revocation.catch_up()
    assert AuditEvent.objects.count() == before


def test_the_audit_trail_s_head_is_inside(signer: Path) -> None:
    trail.record("test.line")
    head = trail.head()
    crl.publish("clients")
    assert crl.current("clients").audit_head == head
    assert AuditEvent.objects.get(action="crl.published").detail["head"] == head
