"""The three authorities: what is in their certificates, and how their keys lie on the disk."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from pki.signer.home import StartRefused
from pki.signer.keys import Authority, open_authorities
from tests.pki.signer.conftest import PASSPHRASE, PLAN
from tests.pki.signer.makers import STATUS_URL

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
NAMES = ("clients", "servers", "devices")


def value(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.ExtensionType:
    return certificate.extensions.get_extension_for_class(kind).value


@pytest.mark.parametrize("name", NAMES)
def test_an_authority_is_a_root_of_twenty_years_and_an_issuing_ca_of_ten(authorities, name):
    root, issuing = authorities[name].root.certificate, authorities[name].issuing.certificate
    for certificate, years in ((root, 20), (issuing, 10)):
        lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert abs(lifetime - timedelta(days=365.25 * years)) < timedelta(days=2)
        assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
        assert certificate.public_key().curve.name == "secp256r1"
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)


@pytest.mark.parametrize("name", NAMES)
def test_an_issuing_ca_can_make_no_further_ca(authorities, name):
    root, issuing = authorities[name].root.certificate, authorities[name].issuing.certificate
    assert value(root, x509.BasicConstraints) == x509.BasicConstraints(ca=True, path_length=1)
    assert value(issuing, x509.BasicConstraints) == x509.BasicConstraints(ca=True, path_length=0)
    for certificate in (root, issuing):
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical and usage.value.key_cert_sign and usage.value.crl_sign
        assert not usage.value.digital_signature


@pytest.mark.parametrize(
    ("name", "uses"), [("clients", {CLIENT}), ("servers", {SERVER}), ("devices", {CLIENT, SERVER})]
)
def test_an_issuing_ca_is_limited_to_its_uses(authorities, name, uses):
    assert set(value(authorities[name].issuing.certificate, x509.ExtendedKeyUsage)) == uses


@pytest.mark.parametrize("name", NAMES)
def test_an_issuing_ca_says_where_the_roots_crl_and_certificate_are(authorities, name):
    issuing = authorities[name].issuing.certificate
    (point,) = value(issuing, x509.CRLDistributionPoints)
    (access,) = value(issuing, x509.AuthorityInformationAccess)
    assert point.full_name[0].value == f"{STATUS_URL}/crl/{name}-root.crl"
    assert access.access_location.value == f"{STATUS_URL}/ca/{name}-root.cer"


def test_only_the_servers_authority_has_name_constraints_critical_on_both_its_cas(authorities):
    for issuer in (authorities["servers"].root, authorities["servers"].issuing):
        extension = issuer.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        assert extension.critical
        names = {str(tree.value) for tree in extension.value.permitted_subtrees}
        assert {"home.arpa", "local", "nas", "192.168.0.0/16", "fc00::/7", "203.0.113.9/32"} <= names
        # already inside home.arpa and 127.0.0.0/8: not said twice
        assert not {"portal.home.arpa", "127.0.0.1/32"} & names
    for name in ("clients", "devices"):
        with pytest.raises(x509.ExtensionNotFound):
            value(authorities[name].issuing.certificate, x509.NameConstraints)


def test_the_label_of_the_household_is_in_the_names(authorities):
    assert (
        "Latchkey servers root (tests 20" in authorities["servers"].root.certificate.subject.rfc4514_string()
    )


def test_signing_the_same_bytes_twice_gives_the_same_signature(authorities):
    sign = authorities["clients"].issuing.sign_tbs
    assert sign(b"the same bytes") == sign(b"the same bytes")


def test_keys_are_encrypted_and_readable_by_their_owner_only(
    authorities: dict[str, Authority], private: Path
):
    keys = sorted(private.glob("*/*.key"))
    assert len(keys) == 6
    for key in keys:
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in key.read_bytes()
        assert key.stat().st_mode & 0o777 == 0o600


def test_opening_again_gives_the_same_authorities(authorities, private):
    again = open_authorities(private, PASSPHRASE, PLAN)
    assert {name: found.root.certificate for name, found in again.items()} == {
        name: found.root.certificate for name, found in authorities.items()
    }


def test_a_wrong_passphrase_stops_the_start_with_a_sentence(authorities, private):
    with pytest.raises(StartRefused, match="cannot be opened"):
        open_authorities(private, b"another passphrase", PLAN)


def test_a_key_that_is_not_its_certificates_stops_the_start(tmp_path):
    open_authorities(tmp_path, PASSPHRASE, PLAN)
    (tmp_path / "clients" / "issuing.key").write_bytes((tmp_path / "devices" / "issuing.key").read_bytes())
    with pytest.raises(StartRefused, match="is not the key of the certificate"):
        open_authorities(tmp_path, PASSPHRASE, PLAN)


def test_a_first_start_that_was_cut_short_leaves_nothing_half_done(tmp_path):
    (tmp_path / ".new-clients").mkdir()
    (tmp_path / ".new-clients" / "root.key").write_text("half of a ke")
    assert set(open_authorities(tmp_path, PASSPHRASE, PLAN)) == set(NAMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
