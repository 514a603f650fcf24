"""pkilint in a process of its own: it finds what is wrong, and accepts only what the short list says."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pki import lint

pytestmark = pytest.mark.slow
KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
NOW = datetime.now(UTC).replace(microsecond=0)


def certificate(*names, skip=()):
    """A plain leaf in PEM, with `names` as SAN and without the extensions in `skip`."""
    key = KEY.public_key()
    built = x509.CertificateBuilder(NAME, NAME, key, 1 << 100, NOW, NOW + timedelta(days=1))
    for value in (
        x509.SubjectKeyIdentifier.from_public_key(key),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key),
        x509.SubjectAlternativeName(names),
    ):
        built = built if isinstance(value, skip) else built.add_extension(value, False)
    return built.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_clean_documents_have_no_findings():
    assert lint.thorough([certificate(x509.DNSName("nas.home.arpa"))] * 2) == []


def test_nothing_at_all_has_no_findings():
    assert lint.thorough([]) == []


def test_a_missing_extension_is_found():
    good = certificate(x509.DNSName("nas.home.arpa"))
    bad = certificate(x509.DNSName("nas.home.arpa"), skip=(x509.AuthorityKeyIdentifier,))
    assert any("authority_key_identifier" in finding for finding in lint.thorough([good, bad]))


def test_a_host_name_of_one_label_is_accepted():
    assert lint.thorough([certificate(x509.DNSName("localhost"))]) == []


@pytest.mark.parametrize("host", ["-", "na_s", "nas-", "a..b"])
def test_a_wrong_host_name_is_found(host):
    assert lint.thorough([certificate(x509.DNSName(host))])


def test_a_wrong_mail_address_is_found_although_name_constraints_may_have_one():
    assert lint.thorough([certificate(x509.RFC822Name("invalid"))])
