"""Revoking: the signer's journal, our row, a new list; and what heals after a crash between them."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from django.utils import timezone
from pytest_django import Settings

from audit import trail
from audit.models import AuditEvent
from pki import crl, issuance, revocation
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.models import Certificate, JournalPosition
from pki.signer import client
from pki.signer.protocol import Changes, IssuanceRequest
from tests.conftest import make_csr
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

    def crash(authority: str, **ways: bool) -> None:
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


OFFICER = "22222222-2222-4222-8222-222222222222"


def test_a_hold_is_released_on_an_officer_s_word(signer: Path) -> None:
    certificate = revocation.revoke(issuance.issue(order()), revocation.HOLD, by="alice", address="192.0.2.1")
    assert listed(certificate) is not None
    certificate = revocation.release(
        certificate, officer=OFFICER, one_person=False, by="bob", address="192.0.2.2"
    )
    assert (certificate.revoked_at, certificate.reason) == (None, "")
    assert listed(certificate) is None
    line = AuditEvent.objects.get(action="certificate.released")
    assert (line.actor, line.address, line.target) == ("bob", "192.0.2.2", str(certificate.pk))
    with pytest.raises(IssuanceRefused, match="not on hold"):
        revocation.release(certificate, officer=OFFICER, one_person=False, by="bob", address="")


def test_a_compromised_key_ends_all_its_certificates_at_once(signer: Path) -> None:
    pem = make_csr()
    owner = order().owner
    first, second = (issuance.issue(shared(pem, owner)) for _ in range(2))
    other = issuance.issue(order())
    since = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    revocation.revoke(first, "keyCompromise", by="alice", address="192.0.2.1", invalidity=since)
    found = Certificate.objects.exclude(revoked_at=None)
    assert {row.pk for row in found} == {first.pk, second.pk}
    assert {(row.reason, row.invalidity) for row in found} == {("keyCompromise", since)}
    assert listed(second) is not None and listed(other) is None
    assert AuditEvent.objects.filter(action="certificate.revoked").count() == 2
    with pytest.raises(IssuanceRefused, match="compromised"):
        issuance.issue(shared(pem, owner))


def test_a_disk_that_takes_no_list_keeps_no_revocation_back(
    signer: Path, settings: Settings, tmp_path: Path
) -> None:
    certificate = issuance.issue(order())
    (tmp_path / "full").touch()
    settings.PUBLIC_DIR = tmp_path / "full"
    assert revocation.revoke(certificate, "superseded", by="alice", address="").reason == "superseded"
    settings.PUBLIC_DIR = tmp_path
    revocation.catch_up()
    assert listed(certificate) is not None


def shared(pem: bytes, owner: str) -> IssuanceRequest:
    wanted = order(pem=pem, owner=owner)
    return replace(wanted, evidence=replace(wanted.evidence, requester=owner))


def test_an_older_database_takes_over_what_it_missed_once(signer: Path) -> None:
    certificate = revocation.revoke(issuance.issue(order()), "superseded", by="alice", address="")
    Certificate.objects.filter(pk=certificate.pk).update(revoked_at=None, reason="")
    JournalPosition.objects.all().delete()  # as a backup from before has it
    AuditEvent.objects.all().delete()
    for _ in range(2):
        revocation.catch_up()
    certificate.refresh_from_db()
    assert certificate.reason == "superseded"
    assert AuditEvent.objects.filter(action="certificate.revoked").count() == 1


def test_an_older_journal_is_told_again_what_was_revoked_since(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = issuance.issue(order())
    Certificate.objects.filter(pk=certificate.pk).update(revoked_at=timezone.now(), reason="keyCompromise")
    JournalPosition.current().move(1 << 40, "abc")  # a change that the journal does not have
    revocation.catch_up()
    assert listed(certificate) is not None
    certificate.refresh_from_db()
    assert certificate.reason == "keyCompromise"
    assert JournalPosition.current().number < 1 << 40


@pytest.mark.parametrize("database", ["kept", "restored"])
def test_after_an_older_journal_the_next_revocation_is_on_the_list(signer: Path, database: str) -> None:
    """The list that lies there knows changes of greater numbers: those of the journal that is gone."""
    certificate = issuance.issue(order())
    revocation.catch_up()
    crl.publish("clients")
    crl._known("clients").write_text(json.dumps({"number": crl.current("clients").number, "change": 1 << 40}))
    if database == "kept":
        JournalPosition.current().move(1 << 40, "abc")
        revocation.catch_up()
    revocation.revoke(certificate, "superseded", by="alice", address="")
    assert listed(certificate) is not None


def test_a_journal_that_is_followed_anew_releases_nothing_that_is_final(
    signer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old steps come in several answers: after none of them a revoked certificate counts."""
    certificate = revocation.revoke(issuance.issue(order()), revocation.HOLD, by="alice", address="")
    revocation.release(certificate, officer=str(uuid.uuid4()), one_person=False, by="bob", address="")
    revocation.revoke(certificate, "keyCompromise", by="alice", address="")
    everything = client.changes(signer, 0, "").steps
    release = next(n for n, s in enumerate(everything) if (s.serial, s.reason) == (certificate.serial, ""))
    AuditEvent.objects.all().delete()
    JournalPosition.current().move(0, "")
    here = JournalPosition.current()
    revocation._take_over(here, Changes(True, everything[: release + 1], {}), "")
    certificate.refresh_from_db()
    assert certificate.reason == "keyCompromise"
    revocation.catch_up()
    assert not AuditEvent.objects.filter(action="certificate.released").exists()


def test_a_revocation_that_another_process_took_over_is_not_told_twice(signer: Path) -> None:
    certificate = issuance.issue(order())
    here = JournalPosition.current()
    client.revoke(signer, "clients", certificate.serial, "superseded", "alice")
    found = client.changes(signer, here.number, here.serial)
    revocation.catch_up()
    before = AuditEvent.objects.count()
    revocation._take_over(here, found, "")
    assert AuditEvent.objects.count() == before
