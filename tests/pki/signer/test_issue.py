"""What the signer makes of an approved request, and that it makes it once."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pki import builder, names
from pki.errors import IssuanceRefused
from pki.profiles import CMC_RA, EVERY, PROFILES
from pki.signer.authorities import Plan
from pki.signer.journal import Journal
from pki.signer.keys import open_authorities
from pki.signer.protocol import ServiceEvidence
from pki.signer.service import Service
from tests.pki.signer.makers import HOSTS, SANS, STATUS_URL, csr, portal_request, request

EXTENSIONS = {
    "basicConstraints",
    "keyUsage",
    "extendedKeyUsage",
    "authorityKeyIdentifier",
    "subjectKeyIdentifier",
    "cRLDistributionPoints",
    "authorityInfoAccess",
}


def issue(service, wanted):
    return x509.load_der_x509_certificate(service.issue(wanted))


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in PROFILES])
def test_each_profile_issues_exactly_its_own_extensions(service, authorities, name):
    leaf = issue(service, request(name))
    issuer = authorities[PROFILES[name].authority].issuing.certificate
    leaf.verify_directly_issued_by(issuer)
    expected = EXTENSIONS | ({"subjectAltName"} if PROFILES[name].san == "required" else set())
    assert {extension.oid._name for extension in leaf.extensions} == expected
    ekus = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {oid.dotted_string for oid in ekus} == set(PROFILES[name].ekus)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 2048),
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate,
    ],
)
def test_every_accepted_kind_of_key_gets_a_certificate(service, make):
    key = make()
    assert issue(service, request(der=csr(key))).public_key() == key.public_key()


def test_subject_and_names_come_from_the_request_and_not_from_the_csr(service):
    leaf = issue(service, request("tls-server"))
    assert leaf.subject.rfc4514_string() == "CN=Anna's phone,O=The Smiths"
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {san.partition(":")[2] for san in SANS}


def test_a_certificate_begins_an_hour_ago_and_ends_with_its_last_day(service):
    wanted = request(days=30)
    leaf = issue(service, wanted)
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert timedelta(days=30) - timedelta(seconds=1) <= lifetime <= timedelta(days=30, hours=1)


def test_a_certificate_never_begins_before_its_issuer(service, authorities):
    leaf, issuer = issue(service, request()), authorities["clients"].issuing.certificate
    assert issuer.not_valid_before_utc <= leaf.not_valid_before_utc


@pytest.mark.slow
def test_a_certificate_never_outlives_its_issuer(tmp_path, monkeypatch):
    monkeypatch.setattr("pki.signer.authorities.ISSUING_DAYS", 30)
    known = open_authorities(tmp_path, b"a passphrase for tests", Plan("tests", HOSTS, STATUS_URL))
    journal = Journal(tmp_path / "journal.sqlite3")
    leaf = issue(Service(known, journal, STATUS_URL, frozenset(HOSTS)), request(days=365))
    assert leaf.not_valid_after_utc == known["clients"].issuing.certificate.not_valid_after_utc
    journal.close()


def test_serial_numbers_are_long_positive_and_different(service):
    serials = {issue(service, request()).serial_number for _ in range(20)}
    assert len(serials) == 20
    assert all(64 <= serial.bit_length() <= 159 for serial in serials)


def test_the_same_request_gets_the_same_certificate(service):
    wanted = request()
    assert service.issue(wanted) == service.issue(wanted)
    (count,) = service.journal._all(
        "SELECT count(*) FROM certificates WHERE request_id = ?", wanted.request_id
    )
    assert count == (1,)


def test_the_same_request_with_other_contents_is_refused(service):
    wanted = request()
    service.issue(wanted)
    with pytest.raises(IssuanceRefused) as refusal:
        service.issue(replace(wanted, common_name="Somebody else"))
    assert refusal.value.code == "request-id"


def test_sixteen_at_once_with_one_request_get_one_certificate(service):
    wanted, answers = request(), []
    threads = [threading.Thread(target=lambda: answers.append(service.issue(wanted))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 16 and len(set(answers)) == 1


def test_the_portal_gets_its_own_certificate_without_an_approval(service):
    leaf = issue(service, portal_request())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["portal.home.arpa"]


@pytest.mark.slow
def test_the_scep_responder_gets_a_certificate_to_sign_and_encipher_with_and_nothing_else(service):
    profile = EVERY["scep-ra"]
    wanted = portal_request(
        sans=(),
        csr=csr(rsa.generate_private_key(65537, 2048)),
        profile="scep-ra",
        profile_digest=profile.digest,
        common_name=names.SCEP,
        owner="service:scep",
        evidence=ServiceEvidence("scep"),
    )
    leaf = issue(service, wanted)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage == builder.key_usage("digitalSignature", "keyEncipherment")
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [oid.dotted_string for oid in purposes] == [CMC_RA]


def test_the_evidence_of_the_approval_is_in_the_journal(service):
    wanted = request()
    service.issue(wanted)
    ((evidence,),) = service.journal._all(
        "SELECT evidence FROM certificates WHERE request_id = ?", wanted.request_id
    )
    assert wanted.evidence.approver in evidence and wanted.evidence.csr_sha256 in evidence


def test_what_was_reserved_and_not_signed_is_signed_with_the_same_bytes_at_the_next_start(fresh):
    wanted = request()
    first = fresh.issue(wanted)
    fresh.journal._database.execute("UPDATE certificates SET signature = NULL")
    assert fresh.recover() == 1
    assert fresh.recover() == 0
    row = fresh.journal.find(wanted.request_id)
    assert builder.assemble(row.tbs, row.signature) == first == fresh.issue(wanted)


def test_a_reservation_of_a_replaced_authority_is_forgotten(fresh):
    wanted = request()
    fresh.issue(wanted)
    fresh.journal._database.execute("UPDATE certificates SET signature = NULL, issuer = 'gone'")
    fresh.recover()
    assert fresh.journal.find(wanted.request_id) is None


def test_pkilint_looks_at_a_kind_of_certificate_once_a_day(fresh):
    fresh.issue(request())
    ((kind, at),) = fresh.journal._all("SELECT what, at FROM lints")
    fresh.issue(request())
    assert fresh.journal._all("SELECT what, at FROM lints") == [(kind, at)]
    fresh.journal.record_lint(kind, at - 90000)
    fresh.issue(request())
    assert fresh.journal.linted(kind) >= at
