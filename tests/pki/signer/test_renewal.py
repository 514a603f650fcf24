"""A successor of a live certificate: nothing changes but serial, key and dates, and somebody proved it."""

import base64
import hashlib
import sqlite3
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from pki import scep
from pki.errors import IssuanceRefused, PkiError
from pki.signer import client
from pki.signer.protocol import RenewalEvidence
from pki.signer.renewals import signed_text
from tests.pki.scep_client import Phone
from tests.pki.scep_house import house
from tests.pki.signer.makers import csr, portal_request, request
from tests.pki.signer.process import Signer
from tests.pki.signer.test_device import moment
from tests.pki.signer.test_refusals import refused


class Old:
    """A certificate that was issued, its key, and the request it came from."""

    def __init__(self, issue, profile="tls-client", key=None, **changes):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.request = request(profile, csr(self.key), **changes)
        self.certificate = x509.load_der_x509_certificate(issue(self.request))
        self.serial = f"{self.certificate.serial_number:x}"

    def sign(self, der):
        text = signed_text(der)
        match self.key:
            case rsa.RSAPrivateKey():
                return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey():
                return self.key.sign(text, ec.ECDSA(hashes.SHA256()))
        return self.key.sign(text)

    def renewed(self, der=b"", **changes):
        """Its renewal, proved by the old key's signature; `changes` are to the evidence."""
        der = der or csr()
        signed = base64.b64encode(self.sign(der)).decode()
        evidence = RenewalEvidence(self.serial, moment(), "signature", signed, "")
        return replace(
            self.request,
            csr=der,
            request_id=str(uuid.uuid4()),
            evidence=replace(evidence, **changes),
        )

    def said(self, **changes):
        """Its renewal on the web side's word."""
        return self.renewed(**{"proof": "mutual-tls", "signed": "", **changes})

    def aged(self, database, days):
        """As if it had been issued `days` ago: other dates in the journal's copy of it."""
        old, past = self.certificate, timedelta(days=days)
        made = x509.CertificateBuilder(
            old.issuer, old.subject, old.public_key(), old.serial_number, extensions=list(old.extensions)
        )
        made = made.not_valid_before(old.not_valid_before_utc - past)
        made = made.not_valid_after(old.not_valid_after_utc - past)
        tbs = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).tbs_certificate_bytes
        database.execute("UPDATE certificates SET tbs = ? WHERE serial = ?", (tbs, self.serial))


@pytest.fixture
def old(fresh):
    return Old(fresh.issue)


def test_a_new_key_gets_the_same_certificate_with_later_dates(fresh, old):
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = x509.load_der_x509_certificate(fresh.issue(old.renewed(csr(key))))
    assert leaf.public_key() == key.public_key() and leaf.subject == old.certificate.subject
    assert leaf.serial_number != old.certificate.serial_number


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 2048),
        lambda: ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate,
    ],
)
def test_every_kind_of_old_key_can_sign(fresh, make):
    old = Old(fresh.issue, key=make())
    assert fresh.issue(old.renewed())


def test_servers_and_devices_can_be_renewed_by_their_key(fresh):
    for profile in ("tls-server", "mqtt-client"):
        assert fresh.issue(Old(fresh.issue, profile).renewed())


def test_a_profile_may_want_an_officer_each_time(fresh):
    refused(fresh, Old(fresh.issue, "mqtt-broker").renewed(), "renewal-profile")


@pytest.mark.parametrize("reason", ["keyCompromise", "privilegeWithdrawn"])
def test_a_renewal_that_nobody_has_yet_ends_with_the_old_one(fresh, old, reason):
    """A crash before the answer was stored: it is asked for again, after the device was reported."""
    wanted = old.renewed()
    leaf = x509.load_der_x509_certificate(fresh.issue(wanted))
    fresh.revoke("clients", old.serial, reason, "alice")
    for _ in range(2):
        with pytest.raises(IssuanceRefused) as refusal:
            fresh.issue(wanted)
        assert refusal.value.code == "revoked"
    assert fresh.journal.reason("clients", f"{leaf.serial_number:x}") == reason


def test_a_renewal_outlives_the_old_one_that_it_took_the_place_of(fresh, old):
    wanted = old.renewed()
    der = fresh.issue(wanted)
    fresh.revoke("clients", old.serial, "superseded", "housekeeping")
    assert fresh.issue(wanted) == der


def test_the_same_renewal_gives_the_same_certificate_and_there_is_no_second_one(fresh, old):
    wanted = old.renewed()
    assert fresh.issue(wanted) == fresh.issue(wanted)
    refused(fresh, old.renewed(), "renewed")
    refused(fresh, old.said(), "renewed")
    assert fresh.journal.counts() == (2, 0)


def test_a_successor_can_be_renewed_in_turn(fresh, old):
    key = ec.generate_private_key(ec.SECP256R1())
    wanted = old.renewed(csr(key))
    second = x509.load_der_x509_certificate(fresh.issue(wanted))
    old.key, old.serial = key, f"{second.serial_number:x}"
    assert fresh.issue(old.renewed())


@pytest.mark.parametrize("signed", ["", "AAAA", "no base64!", base64.b64encode(bytes(70)).decode()])
def test_without_the_old_keys_signature_there_is_nothing(fresh, old, signed):
    refused(fresh, old.renewed(signed=signed), "renewal-proof")


def test_a_signature_for_another_csr_or_purpose_or_by_another_key_is_none(fresh, old):
    other = base64.b64encode(old.sign(csr())).decode()
    refused(fresh, old.renewed(signed=other), "renewal-proof")
    der = csr()
    bare = old.key.sign(hashlib.sha256(der).hexdigest().encode(), ec.ECDSA(hashes.SHA256()))
    refused(fresh, old.renewed(der, signed=base64.b64encode(bare).decode()), "renewal-proof")
    old.key = ec.generate_private_key(ec.SECP256R1())
    refused(fresh, old.renewed(), "renewal-proof")


def test_an_unknown_proof_is_refused(fresh, old):
    refused(fresh, old.renewed(proof="word of honour"), "renewal-proof")


@pytest.mark.parametrize(
    "changes",
    [
        {"common_name": "Eve's phone"},
        {"organization": "Others"},
        {"owner": str(uuid.uuid4())},
    ],
)
def test_names_and_owner_stay(fresh, old, changes):
    refused(fresh, replace(old.renewed(), **changes), "renewal-changed")


def test_the_host_names_of_a_server_stay(fresh):
    old = Old(fresh.issue, "tls-server")
    refused(fresh, replace(old.renewed(), sans=("dns:other.home.arpa",)), "renewal-changed")


def test_the_profile_stays(fresh):
    old = Old(fresh.issue, "mqtt-client")
    broker = request("mqtt-broker")
    changed = replace(
        old.renewed(), profile="mqtt-broker", profile_digest=broker.profile_digest, sans=broker.sans
    )
    refused(fresh, changed, "renewal-changed")


def test_it_lasts_no_longer_than_the_one_before(fresh):
    old = Old(fresh.issue, days=30)
    refused(fresh, replace(old.renewed(), days=31), "renewal-days")
    assert fresh.issue(replace(old.renewed(), days=30))


@pytest.mark.parametrize("reason", ["superseded", "keyCompromise", "certificateHold"])
def test_what_is_revoked_or_held_has_no_successor(fresh, old, reason):
    fresh.revoke("clients", old.serial, reason, "bob")
    refused(fresh, old.renewed(), "renewal-revoked")


def test_what_has_expired_has_no_successor(fresh, old):
    old.aged(fresh.journal._database, 366)
    refused(fresh, old.renewed(), "renewal-expired")


@pytest.mark.parametrize("serial", ["", "abc", "0"])
def test_what_was_never_issued_has_no_successor(fresh, old, serial):
    refused(fresh, old.renewed(predecessor=serial), "renewal-unknown")


def test_a_certificate_of_another_authority_has_no_successor_here(fresh, old):
    device = Old(fresh.issue, "mqtt-client")
    refused(fresh, old.renewed(predecessor=device.serial), "renewal-unknown")


def test_a_service_is_not_renewed_past_its_list(fresh):
    wanted = portal_request()
    leaf = x509.load_der_x509_certificate(fresh.issue(wanted))
    evidence = RenewalEvidence(f"{leaf.serial_number:x}", moment(), "mutual-tls", "", "")
    refused(fresh, replace(wanted, evidence=evidence, request_id=str(uuid.uuid4())), "uuid")


def test_the_word_of_the_web_side_counts_in_the_last_third_only(fresh, old):
    refused(fresh, old.said(), "renewal-early")
    old.aged(fresh.journal._database, 240)
    refused(fresh, old.said(), "renewal-early")
    old.aged(fresh.journal._database, 250)
    assert fresh.issue(old.said())


@pytest.mark.parametrize("days", [-1.1, 0.1, -300])
def test_the_word_of_the_web_side_is_a_day_old_at_most(fresh, old, days):
    old.aged(fresh.journal._database, 300)
    refused(fresh, old.said(at=moment(days)), "renewal-said")


def test_the_word_of_the_web_side_counts_for_clients_only(fresh):
    old = Old(fresh.issue, "tls-server")
    old.aged(fresh.journal._database, 80)
    refused(fresh, old.said(), "renewal-proof")


@pytest.fixture
def phone(fresh):
    """A phone with an RSA certificate of ours, which asks by SCEP; and what it was issued from."""
    phone = Phone(house().ra.certificate)
    old = Old(fresh.issue, key=phone.key)
    phone.certificate = old.certificate
    return phone, old


def by_scep(phone, old, kind="17", der=b"", sent=b""):
    """The renewal as the SCEP responder passes it on."""
    der = der or csr()
    sent = sent or phone.ask(der, kind)
    key = scep.decode(sent, house().ra).content_key.hex()
    signed = base64.b64encode(sent).decode()
    return old.renewed(der, proof="scep", signed=signed, content_key=key)


@pytest.mark.parametrize("kind", ["17", "19"])
def test_a_scep_message_signed_by_the_old_key_is_proof(fresh, phone, kind):
    assert fresh.issue(by_scep(*phone, kind))


def test_a_scep_message_for_another_csr_or_by_another_signer_or_unreadable_is_none(fresh, phone):
    device, old = phone
    refused(fresh, by_scep(device, old, der=csr(), sent=device.ask(csr())), "renewal-proof")
    good = by_scep(device, old)
    for changes in (
        {"content_key": "00" * 16},
        {"content_key": "no hex"},
        {"signed": "AAAA"},
        {"signed": ""},
    ):
        refused(fresh, replace(good, evidence=replace(good.evidence, **changes)), "renewal-proof")
    refused(fresh, by_scep(Phone(house().ra.certificate), old), "renewal-proof")
    issuer = house().issuing.subject.public_bytes()
    poll = device.ask(b"\x30" + bytes([2 * len(issuer)]) + issuer * 2, "20")
    refused(fresh, by_scep(device, old, der=csr(), sent=poll), "renewal-proof")


@pytest.mark.slow
def test_a_real_signer_renews_once_and_keeps_the_proof(tmp_path):
    signer = Signer(tmp_path)
    signer.start()

    def issue(wanted):
        return client.issue(signer.socket, wanted)

    old = Old(issue)
    with pytest.raises(PkiError, match="last third"):
        issue(old.said())
    signer.stop()
    with sqlite3.connect(signer.home / "journal.sqlite3") as database:
        old.aged(database, 300)
    database.close()
    signer.start()
    wanted = old.said()
    leaf = issue(wanted)
    signer.stop()
    signer.start()
    assert issue(wanted) == leaf
    with pytest.raises(IssuanceRefused) as refusal:
        issue(old.renewed())
    assert refusal.value.code == "renewed"
    signer.stop()
    database = sqlite3.connect(signer.home / "journal.sqlite3")
    query = "SELECT evidence FROM certificates WHERE claim = ?"
    ((evidence,),) = database.execute(query, (f"renewal clients {old.serial}",)).fetchall()
    assert '"mutual-tls"' in evidence
