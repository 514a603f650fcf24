"""Every reason for which the signer says no, whatever the web side believed; the journal keeps nothing."""

import uuid
from dataclasses import replace
from functools import partial

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pki.errors import CSRRejected, IssuanceRefused
from pki.profiles import EVERY, PROFILES
from pki.signer.keys import Issuer
from pki.signer.protocol import ServiceEvidence
from tests.pki.signer.makers import csr, door_request, portal_request, request


def refused(service, wanted, code):
    with pytest.raises(IssuanceRefused) as refusal:
        service.issue(wanted)
    assert refusal.value.code == code
    assert service.journal.find(wanted.request_id) is None
    return refusal.value


def test_a_swapped_csr_is_refused(service):
    refused(service, replace(request(), csr=csr()), "csr-changed")


def test_a_csr_whose_signature_does_not_hold_is_refused(service):
    der = bytearray(csr())
    der[-1] ^= 1
    with pytest.raises(CSRRejected):
        service.issue(request(der=bytes(der)))


def test_an_unknown_profile_is_refused(service):
    refused(service, replace(request(), profile="ca"), "profile")


def test_nobody_gets_what_is_for_our_own_services(service):
    digest = EVERY["scep-ra"].digest
    refused(service, replace(request(), profile="scep-ra", profile_digest=digest), "profile")


def test_a_profile_that_changed_since_the_approval_is_refused(service):
    refused(service, request(profile_digest="0" * 64), "profile-changed")


@pytest.mark.parametrize("days", [0, -1, 366, 10**9])
def test_days_outside_the_profiles_limits_are_refused(service, days):
    refused(service, request(days=days), "days")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\0b", "a\u202eb", "A" * 65, "  padded  ", "a\u0301"])
def test_a_name_that_is_empty_hidden_too_long_or_not_in_normal_form_is_refused(service, name):
    refused(service, request(common_name=name), "name")
    refused(service, request(organization=name), "name")


def test_a_client_certificate_with_host_names_is_refused(service):
    refused(service, request(sans=("dns:nas.home.arpa",)), "san")


def test_a_server_certificate_without_host_names_is_refused(service):
    refused(service, request("tls-server", sans=()), "san")


@pytest.mark.parametrize(
    "san",
    ["nas.home.arpa", "dns:NAS.home.arpa", "dns:*.home.arpa", "ip:192.168.1", "uri:http://nas.local", "dns:"],
)
def test_a_host_name_that_is_not_in_normal_form_is_refused(service, san):
    refused(service, request("tls-server", sans=(san,)), "san")


def test_the_same_host_name_twice_is_refused(service):
    refused(service, request("tls-server", sans=("dns:nas.local", "dns:nas.local")), "san")


def test_more_than_a_hundred_host_names_are_refused(service):
    refused(service, request("tls-server", sans=tuple(f"dns:n{n}.local" for n in range(101))), "san")


@pytest.mark.parametrize("san", ["dns:bank.example", "dns:home.arpa.example", "ip:8.8.8.8", "ip:2001:db8::1"])
def test_a_server_name_outside_the_constraints_is_refused_with_the_way_out(service, san):
    refusal = refused(service, request("tls-server", sans=("dns:nas.local", san)), "san-outside")
    assert "--replace-authority servers" in refusal.remedy


def test_mqtt_names_with_topic_characters_are_refused(service):
    refused(service, request("mqtt-client", common_name="lamp/#"), "name")


def test_a_certificate_for_somebody_who_did_not_ask_is_refused(service):
    refused(service, replace(request(), owner=str(uuid.uuid4())), "owner")


def approved_by_oneself(one_person):
    wanted = request()
    evidence = replace(wanted.evidence, approver=wanted.owner, one_person=one_person)
    return replace(wanted, evidence=evidence)


def test_approving_ones_own_request_is_refused(service):
    refused(service, approved_by_oneself(one_person=False), "self-approval")


def test_approving_ones_own_request_is_possible_in_a_one_person_household(service):
    assert service.issue(approved_by_oneself(one_person=True))


@pytest.mark.parametrize("text", ["", "1", "alice", "2B1E6F0A-5D3C-4E8B-9A71-C0FFEE123456"])
def test_requests_and_accounts_not_named_by_uuids_are_refused(service, text):
    refused(service, replace(request(), request_id=text), "uuid")
    refused(service, request(owner=text), "uuid") if text else None


@pytest.mark.parametrize("at", ["", "yesterday", "2026-01-01T00:00:00"])
def test_an_approval_without_its_moment_is_refused(service, at):
    wanted = request()
    refused(service, replace(wanted, evidence=replace(wanted.evidence, at=at)), "evidence")


def test_a_key_certified_for_another_owner_is_refused(service):
    der = csr()
    service.issue(request(der=der))
    refused(service, request(der=der), "key-owner")


def test_the_same_owner_may_use_a_key_again(service):
    der, owner = csr(), str(uuid.uuid4())
    assert service.issue(request(der=der, owner=owner)) != service.issue(request(der=der, owner=owner))


def test_a_key_that_was_compromised_is_refused_for_everybody(service):
    der, owner = csr(), str(uuid.uuid4())
    wanted = request(der=der, owner=owner)
    service.issue(wanted)
    service.revoke("clients", service.journal.find(wanted.request_id).serial, "keyCompromise", "bob")
    refused(service, request(der=der, owner=owner), "key-compromised")


def test_a_key_that_was_superseded_may_be_used_again(service):
    der, owner = csr(), str(uuid.uuid4())
    wanted = request(der=der, owner=owner)
    service.issue(wanted)
    service.revoke("clients", service.journal.find(wanted.request_id).serial, "superseded", "bob")
    assert service.issue(request(der=der, owner=owner))


def test_the_key_of_a_ca_is_refused(service, private):
    sealed = (private / "clients" / "issuing.key").read_bytes()
    key = serialization.load_pem_private_key(sealed, b"a passphrase for tests")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    refused(service, request(der=csr(key)), "key-ca")


@pytest.mark.parametrize(
    "changes",
    [
        {"evidence": ServiceEvidence("door")},
        {"evidence": ServiceEvidence("home")},
        {"owner": str(uuid.uuid4())},
        {"owner": "service:door"},
        {"common_name": "latchkey-door"},
        {"common_name": "Latchkey Portal"},
        {"profile": "tls-client", "profile_digest": PROFILES["tls-client"].digest, "sans": ()},
    ],
)
def test_only_the_fixed_list_of_services_gets_certificates_without_an_approval(service, changes):
    refused(service, portal_request(**changes), "service")


def as_profile(name):
    return {"profile": name, "profile_digest": PROFILES[name].digest}


@pytest.mark.parametrize(
    "changes",
    [
        {"common_name": "Latchkey-Door"},
        {"common_name": "home-broker"},
        {"common_name": "Anna's phone"},
        {"days": 91},
        {"owner": "service:portal"},
        {"owner": str(uuid.uuid4())},
        {"evidence": ServiceEvidence("portal")},
        as_profile("tls-client"),
        as_profile("tls-server") | {"sans": ("dns:portal.home.arpa",)},
        as_profile("mqtt-broker") | {"sans": ("dns:portal.home.arpa",)},
    ],
)
def test_the_door_gets_its_own_certificate_and_no_other(service, changes):
    refused(service, door_request(**changes), "service")


def test_the_door_gets_no_host_names(service):
    refused(service, door_request(sans=("dns:portal.home.arpa",)), "san")


def test_the_door_gets_a_certificate_and_another_one_to_renew_it(service):
    assert service.issue(door_request()) != service.issue(door_request())


@pytest.mark.parametrize("name", ["latchkey-door", "Latchkey-Door", "LATCHKEY-DOOR"])
@pytest.mark.parametrize("profile", ["mqtt-client", "mqtt-broker"])
def test_no_approval_gives_a_device_the_doors_name(service, profile, name):
    refused(service, request(profile, common_name=name), "name-reserved")


@pytest.mark.parametrize("profiles", [("mqtt-client", "mqtt-client"), ("mqtt-broker", "mqtt-client")])
def test_a_devices_name_has_one_owner_at_a_time(service, profiles):
    name = f"lamp-{uuid.uuid4().hex}"
    first = request(profiles[0], common_name=name)
    service.issue(first)
    refused(service, request(profiles[1], common_name=name), "name-owner")
    assert service.issue(request(profiles[1], common_name=name, owner=first.owner))


def test_a_devices_name_is_free_again_when_it_was_revoked_for_good(service):
    first = request("mqtt-client", common_name=f"lamp-{uuid.uuid4().hex}")
    service.issue(first)
    serial = service.journal.find(first.request_id).serial
    service.revoke("devices", serial, "certificateHold", "bob")
    refused(service, request("mqtt-client", common_name=first.common_name), "name-owner")
    service.revoke("devices", serial, "superseded", "bob")
    assert service.issue(request("mqtt-client", common_name=first.common_name))


def test_people_may_call_their_phones_alike(service):
    assert service.issue(request(common_name="Phone")) != service.issue(request(common_name="Phone"))


def test_the_portal_gets_no_names_but_its_own(service):
    refusal = refused(service, portal_request(("dns:portal.home.arpa", "dns:nas.home.arpa")), "service-name")
    assert "nas.home.arpa" in str(refusal)


def test_what_a_lint_finds_is_refused_and_nothing_is_reserved(service, monkeypatch):
    template = service.templates["tls-client"]
    monkeypatch.setattr(template, "extensions", template.extensions[1:])
    refused(service, request(), "lint")


def test_a_signature_that_does_not_verify_is_never_stored_or_answered(fresh, monkeypatch):
    stranger = ec.generate_private_key(ec.SECP256R1())
    honest = fresh.authorities["clients"].issuing
    sign = partial(stranger.sign, signature_algorithm=ec.ECDSA(hashes.SHA256()))
    broken = Issuer(honest.certificate, sign, sign)
    wanted = request()
    monkeypatch.setitem(fresh.issuers, honest.id, broken)
    with pytest.raises(Exception):  # noqa: B017 whatever the comparison raises, no certificate comes out
        fresh.issue(wanted)
    assert fresh.journal.find(wanted.request_id).signature is None
