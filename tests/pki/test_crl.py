"""Lists: numbered upwards, whole, and never replaced by an older one."""

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from django.conf import settings
from pytest_django import Settings

from accounts.models import User
from audit import trail
from audit.models import AuditEvent, AuditHead
from enrollment import ra
from pki import authorities, crl, crlfile, revocation
from pki.signer import client
from pki.signer.protocol import AUTHORITIES
from tests.enrollment.acts import HERE, ask, thing

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_DIR = tmp_path


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_both_lists_are_signed_by_whom_they_name(signer: Path, authority: str) -> None:
    crl.publish(authority)
    for name, der in zip((authority, f"{authority}-root"), authorities.chain(authority), strict=True):
        published = x509.load_der_x509_crl(crl.published(name))
        issuer = x509.load_der_x509_certificate(der)
        key = issuer.public_key()
        assert isinstance(key, EllipticCurvePublicKey)
        assert published.is_signature_valid(key) and published.issuer == issuer.subject


def test_the_number_only_grows(signer: Path) -> None:
    numbers = []
    for _ in range(3):
        crl.publish("clients")
        numbers.append(crl.current("clients").number)
    assert numbers == sorted(set(numbers))


def test_of_many_at_once_the_newest_lies_there(signer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.trail.record", lambda *args, **kwargs: None)  # threads see no test transaction
    monkeypatch.setattr("audit.trail.head", lambda: "0" * 64)
    made: list[int] = []

    def fetch(*question: Any) -> int:
        change = fetched(*question)
        question[3].flush()
        made.append(crlfile.CrlFile(question[3]).number)
        return change

    fetched = client.crl
    monkeypatch.setattr("pki.signer.client.crl", fetch)
    threads = [threading.Thread(target=crl.publish, args=("clients",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 12 and crl.current("clients").number == max(made)


def test_a_list_is_newer_than_what_lies_there_whatever_the_journal_knows(signer: Path) -> None:
    """As after a backup of the signer was put back: the lists lie there, made since."""
    crl.publish("clients")
    before = crl.current("clients")
    with sqlite3.connect(Path(settings.SIGNER_DIR) / "journal.sqlite3", timeout=20) as journal:
        journal.execute("UPDATE crls SET number = 1, this_update = 1")
    crl.publish("clients")
    after = crl.current("clients")
    assert after.number > before.number
    assert after.frame.last_update_utc > before.frame.last_update_utc


def test_the_devices_list_lies_there_in_pem_too(signer: Path) -> None:
    crl.publish("devices")
    found = x509.load_pem_x509_crl(crl.pem_path("devices").read_bytes())
    assert found == x509.load_der_x509_crl(crl.published("devices"))


def test_the_audit_head_is_found_again(signer: Path) -> None:
    trail.record("test.line")
    crl.publish("clients")
    assert crl.current("clients").audit_head == crl.current("clients-root").audit_head is not None


def test_a_revocation_makes_the_roots_list_only_when_that_is_due(
    signer: Path, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def revoke() -> tuple[int, int]:
        made = ra.approve(request=ask(alice, thing()), by=bob, address=HERE).certificate
        assert made
        revocation.revoke(made, "superseded", by="alice", address=HERE)
        serial = x509.load_der_x509_certificate(made.der).serial_number
        listed = x509.load_der_x509_crl(crl.published("clients"))
        assert listed.get_revoked_certificate_by_serial_number(serial)
        return crl.current("clients").number, crl.current("clients-root").number

    crl.publish("clients")
    first = crl.current("clients").number, crl.current("clients-root").number
    second = revoke()
    assert second[0] > first[0] and second[1] == first[1]
    monkeypatch.setattr(crl, "AGE", timedelta(0))
    third = revoke()
    assert third[0] > second[0] and third[1] > second[1]
    monkeypatch.undo()
    crl.forget("clients")  # as after a backup was put back
    fourth = revoke()
    assert fourth[1] > third[1]
    crl.path("clients-root").write_bytes(b"broken")
    fifth = revoke()
    assert fifth[1] > fourth[1]


def test_nothing_published_is_told_loudly(signer: Path) -> None:
    with pytest.raises(FileNotFoundError):
        crl.published("clients")


def test_a_cut_or_rewritten_trail_is_noted_before_the_witness_is_replaced(signer: Path) -> None:
    trail.record("request.approved", actor="mallory")
    crl.publish("clients")
    for _ in range(2):  # cutting off the note makes another one
        AuditEvent.objects.all().delete()
        AuditHead.objects.all().delete()
        trail.record("nothing.happened")
        crl.publish("clients")
        assert AuditEvent.objects.filter(action=trail.LINES_MISSING, target="clients").count() == 1
    crl.publish("clients")
    assert AuditEvent.objects.filter(action=trail.LINES_MISSING, target="clients").count() == 1
    assert trail.verify().broken_at is None
