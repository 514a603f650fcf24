"""PKCS#7 with certificates only, as the openssl command reads it."""

import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from pki import cms
from tests.pki.bad_csrs import certificate


def test_what_goes_in_comes_out() -> None:
    der = certificate().public_bytes(Encoding.DER)
    assert pkcs7.load_der_pkcs7_certificates(cms.certs_only([der])) == [certificate()]


@pytest.mark.parametrize("certificates", [[], [b"nonsense"]])
def test_nothing_or_nonsense_is_refused(certificates: list[bytes]) -> None:
    with pytest.raises(ValueError):
        cms.certs_only(certificates)


@pytest.mark.slow
def test_openssl_reads_it() -> None:
    der = cms.certs_only([certificate().public_bytes(Encoding.DER)])
    command = ["openssl", "pkcs7", "-inform", "DER", "-print_certs"]
    printed = subprocess.run(command, input=der, capture_output=True, check=True).stdout
    assert certificate().public_bytes(Encoding.PEM).strip() in printed
    shown = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER"], input=der, capture_output=True, check=True
    )
    assert b"pkcs7-signedData" in shown.stdout
