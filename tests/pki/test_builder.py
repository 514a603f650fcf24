"""The few bytes of DER that are put together by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pki import builder

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize("padding", [0, 1, 100, 1000, 70_000])
def test_a_certificate_taken_apart_and_assembled_is_the_same(padding):
    filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), bytes(padding))
    built = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), 5, NOW, NOW + timedelta(days=1))
    made = built.add_extension(filler, False).sign(KEY, hashes.SHA256())
    assert builder.assemble(made.tbs_certificate_bytes, made.signature) == made.public_bytes(Encoding.DER)


def test_key_usage_sets_exactly_the_named_bits():
    usage = builder.key_usage("digitalSignature", "cRLSign")
    assert usage.digital_signature and usage.crl_sign
    assert not usage.key_cert_sign and not usage.key_agreement


def test_a_crl_without_our_extension_has_no_audit_head():
    built = x509.CertificateRevocationListBuilder(NAME, NOW, NOW + timedelta(days=1))
    assert builder.audit_head(built.sign(KEY, hashes.SHA256())) is None


def test_our_object_identifiers_have_no_arc_beyond_31_bits():
    # pkilint, and Go's crypto/x509, cannot read longer ones.
    from_text = builder.AUDIT_HEAD.dotted_string.split(".")
    assert max(int(arc) for arc in from_text) < 2**31
