"""A .p12 that a page made, given to everyone who should read it, with its password and with a wrong one."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

from tests.browser.cast import Cast
from tests.js.readers import READERS, BadPassword, Made

WRONG = "lusab-babad-gutih-tugad-zosul"


def read_by_everyone(home: Cast, request: str, path: Path, password: str) -> None:
    """OpenSSL, NSS, keytool and Python find the key of alice's `request` (path of its page) and its chain."""
    alice = home.people["alice"]
    alice.page.goto(home.portal + request)
    alice.unfold("The certificate alone, as a file")
    issued = load_der_pkcs7_certificates(alice.save("PKCS#7 (.p7b)")[1])
    leaf, *issuers = sorted(issued, key=_from_the_leaf)
    name = str(leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
    info = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    chain = tuple(one.public_bytes(Encoding.DER) for one in (leaf, *issuers))
    made = Made(path, password, name, info, chain)
    for reader in READERS.values():
        reader(made, password)
        with pytest.raises(BadPassword):
            reader(made, WRONG)


def _from_the_leaf(certificate: x509.Certificate) -> tuple[bool, bool]:
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    return constraints.ca, certificate.subject == certificate.issuer
