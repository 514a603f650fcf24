"""Revoking, and the list of it."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from pki import builder
from pki.errors import IssuanceRefused, SignerUnavailable
from tests.pki.signer.makers import request

HEAD = bytes(range(32))


def issued(service, profile="tls-client"):
    return x509.load_der_x509_certificate(service.issue(request(profile)))


def crl(service, name="clients"):
    return x509.load_der_x509_crl(service.crl(name, HEAD).issuing)


def value(found, kind):
    return found.extensions.get_extension_for_class(kind).value


def test_a_revoked_certificate_is_on_the_next_crl_with_moment_and_reason(service):
    leaf = issued(service)
    moment = service.revoke("clients", f"{leaf.serial_number:x}", "keyCompromise", "bob")
    line = crl(service).get_revoked_certificate_by_serial_number(leaf.serial_number)
    assert line.revocation_date_utc == moment
    assert line.extensions.get_extension_for_class(x509.CRLReason).value.reason.value == "keyCompromise"


def test_an_unspecified_reason_is_left_out(service):
    leaf = issued(service)
    service.revoke("clients", f"{leaf.serial_number:x}", "unspecified", "bob")
    assert not list(crl(service).get_revoked_certificate_by_serial_number(leaf.serial_number).extensions)


def test_revoking_twice_keeps_the_first_moment_and_reason(service):
    serial = f"{issued(service).serial_number:x}"
    first = service.revoke("clients", serial, "superseded", "bob")
    service.journal._database.execute(
        "UPDATE revocations SET revoked_at = revoked_at - 5 WHERE serial = ?", (serial,)
    )
    assert service.revoke("clients", serial, "keyCompromise", "dora") == first - timedelta(seconds=5)
    assert crl(service).get_revoked_certificate_by_serial_number(int(serial, 16)).extensions[
        0
    ].value.reason.value == ("superseded")


@pytest.mark.parametrize(("authority", "serial"), [("clients", "ab" * 16), ("nobody", "1"), ("clients", "")])
def test_a_certificate_that_was_never_issued_cannot_be_revoked(service, authority, serial):
    with pytest.raises(IssuanceRefused) as refusal:
        service.revoke(authority, serial, "superseded", "bob")
    assert refusal.value.code == "unknown"


def test_a_serial_of_another_authority_is_unknown(service):
    with pytest.raises(IssuanceRefused) as refusal:
        service.revoke("servers", f"{issued(service).serial_number:x}", "superseded", "bob")
    assert refusal.value.code == "unknown"


def test_a_hold_is_on_the_list_and_a_final_reason_takes_its_place_for_ever(service):
    serial = f"{issued(service).serial_number:x}"
    moment = service.revoke("clients", serial, "certificateHold", "bob")
    for reason, stays in (
        ("certificateHold", "certificateHold"),
        ("keyCompromise", "keyCompromise"),
        ("certificateHold", "keyCompromise"),
        ("superseded", "keyCompromise"),
    ):
        assert service.revoke("clients", serial, reason, "bob") == moment
        line = crl(service).get_revoked_certificate_by_serial_number(int(serial, 16))
        assert value(line, x509.CRLReason).reason.value == stays


@pytest.mark.parametrize("reason", ["removeFromCRL", "", "because"])
def test_only_reasons_of_rfc_5280_that_revoke_are_taken(service, reason):
    with pytest.raises(IssuanceRefused) as refusal:
        service.revoke("clients", f"{issued(service).serial_number:x}", reason, "bob")
    assert refusal.value.code == "reason"


@pytest.mark.parametrize("name", ["clients", "servers", "devices"])
def test_a_crl_verifies_with_its_ca_and_is_good_for_a_week(service, authorities, name):
    pair = service.crl(name, HEAD)
    for der, issuer in ((pair.issuing, authorities[name].issuing), (pair.root, authorities[name].root)):
        found = x509.load_der_x509_crl(der)
        assert found.is_signature_valid(issuer.certificate.public_key())
        assert found.issuer == issuer.certificate.subject
        now = datetime.now(UTC)
        assert found.last_update_utc <= now
        assert timedelta(days=7) - timedelta(minutes=1) < found.next_update_utc - now <= timedelta(days=7)
        assert value(found, x509.AuthorityKeyIdentifier) == builder.issued_by(issuer.certificate)


def test_numbers_and_moments_of_crls_always_grow(service):
    found = [crl(service) for _ in range(4)]
    numbers = [value(one, x509.CRLNumber).crl_number for one in found]
    moments = [one.last_update_utc for one in found]
    assert numbers == sorted(set(numbers)) and moments == sorted(set(moments))
    assert abs(numbers[0] - time.time_ns()) < 60 * 10**9


def test_a_crl_number_still_grows_when_an_older_journal_was_restored(service, fresh):
    before = value(crl(service), x509.CRLNumber).crl_number
    assert value(crl(fresh), x509.CRLNumber).crl_number > before


def test_no_crl_is_made_for_the_future_when_the_clock_was_put_back(fresh):
    issuer = fresh.authorities["clients"].issuing
    fresh.journal.number_crl(issuer.id, time.time_ns(), int(time.time()) + 3600)
    with pytest.raises(SignerUnavailable) as trouble:
        fresh.crl("clients", HEAD)
    assert trouble.value.code == "clock"


def test_the_audit_head_is_in_both_crls_and_not_critical(service):
    pair = service.crl("clients", HEAD)
    for der in (pair.issuing, pair.root):
        found = x509.load_der_x509_crl(der)
        assert builder.audit_head(found) == HEAD.hex()
        assert not any(extension.critical for extension in found.extensions)


def test_an_expired_certificate_leaves_the_crl_a_day_after_its_end(service):
    leaf = issued(service)
    service.revoke("clients", f"{leaf.serial_number:x}", "superseded", "bob")
    for age, listed in ((3600, True), (86400 + 3600, False)):
        service.journal._database.execute("UPDATE revocations SET not_after = ?", (int(time.time()) - age,))
        assert (
            crl(service).get_revoked_certificate_by_serial_number(leaf.serial_number) is not None
        ) == listed


def test_a_crl_of_an_unknown_authority_is_refused(service):
    with pytest.raises(IssuanceRefused):
        service.crl("nobody", HEAD)
