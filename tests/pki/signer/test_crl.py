"""Revoking, and the list of it."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki import builder
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.signer import entries
from pki.signer.entries import DAY
from pki.signer.service import REASONS
from tests.pki.signer.makers import HEAD, content, lists, request


def issued(service, profile="tls-client"):
    return x509.load_der_x509_certificate(service.issue(request(profile)))


def crl(service, name="clients"):
    return x509.load_der_x509_crl(lists(service, name)[0])


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


def test_revoking_twice_keeps_the_first_moment_and_reason(fresh, monkeypatch):
    serial = f"{issued(fresh).serial_number:x}"
    first = fresh.revoke("clients", serial, "superseded", "bob")
    monkeypatch.setattr(time, "time", lambda: first.timestamp() + 5)
    assert fresh.revoke("clients", serial, "cessationOfOperation", "dora") == first
    assert reason(fresh, serial) == "superseded"


def test_a_key_found_compromised_later_says_so_on_the_list(fresh):
    serial = f"{issued(fresh).serial_number:x}"
    first = fresh.revoke("clients", serial, "superseded", "bob")
    assert fresh.revoke("clients", serial, "keyCompromise", "dora") == first
    assert reason(fresh, serial) == "keyCompromise"


def reason(service, serial):
    line = crl(service).get_revoked_certificate_by_serial_number(int(serial, 16))
    return value(line, x509.CRLReason).reason.value


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
    pair = lists(service, name)
    for der, issuer in zip(pair, (authorities[name].issuing, authorities[name].root), strict=True):
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


def test_what_is_published_is_outdated_even_by_a_journal_that_does_not_know_it(fresh):
    now = int(time.time())
    issuing, root, _ = fresh.crl("clients", HEAD, (now - 30, now + 5000))
    moments = [
        int(x509.load_der_x509_crl(content(one)).last_update_utc.timestamp()) for one in (issuing, root)
    ]
    assert moments[0] == now - 29
    assert now - 3600 <= moments[1] <= now - 3590  # nobody's word puts it into the future


def test_no_crl_is_made_for_the_future_when_the_clock_was_put_back(fresh):
    issuer = fresh.authorities["clients"].issuing
    fresh.journal.number_crl(issuer.id, time.time_ns(), int(time.time()) + 3600)
    with pytest.raises(SignerUnavailable) as trouble:
        lists(fresh)
    assert trouble.value.code == "clock"


def test_the_audit_head_is_in_both_crls_and_not_critical(service):
    for der in lists(service):
        found = x509.load_der_x509_crl(der)
        assert builder.audit_head(found) == HEAD.hex()
        assert not any(extension.critical for extension in found.extensions)


def test_an_expired_certificate_leaves_when_it_was_on_a_list_from_after_its_end(fresh, monkeypatch):
    leaf = issued(fresh)
    fresh.revoke("clients", f"{leaf.serial_number:x}", "superseded", "bob")
    end = int(leaf.not_valid_after_utc.timestamp())

    def listed(after):
        monkeypatch.setattr(time, "time", lambda: end + after)
        monkeypatch.setattr(time, "time_ns", lambda: (end + after) * 10**9)
        return crl(fresh).get_revoked_certificate_by_serial_number(leaf.serial_number) is not None

    assert listed(-5 * DAY)
    assert listed(4 * DAY)  # the signer was away: this is the first one from after its end
    assert not listed(4 * DAY + 10)


def test_lines_are_encoded_as_cryptography_does(service):
    for reason in (None, *(found for found in x509.ReasonFlags if found.value in REASONS)):
        for since in (None, datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)):
            at = datetime(2049, 12, 31, 23, 59, 59) if since else datetime(2050, 1, 1)
            line = x509.RevokedCertificateBuilder().serial_number(0x8765).revocation_date(at)
            if reason and reason.value != "unspecified":
                line = line.add_extension(x509.CRLReason(reason), False)
            if since:
                line = line.add_extension(x509.InvalidityDate(since.replace(tzinfo=None)), False)
            builder = x509.CertificateRevocationListBuilder(x509.Name([]), at, at, [], [line.build()])
            moments = int(at.replace(tzinfo=UTC).timestamp()), int(since.timestamp()) if since else None
            ours = entries.encoded("8765", moments[0], reason.value if reason else "unspecified", moments[1])
            tbs = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).tbs_certlist_bytes
            assert ours in tbs


def test_a_crl_of_an_unknown_authority_is_refused(service):
    with pytest.raises(IssuanceRefused):
        lists(service, "nobody")
