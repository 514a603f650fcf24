"""NIST's PKITS as TLS clients of the door: who must not get in, does not; and who may, does.

Outside: policy processing (4.8 to 4.12) and delta CRLs (4.15), which the door does not do: it names no
policies, and our authorities make no delta CRLs. Everything else is inside: signatures, validity, names,
revocation, self-issued certificates, constraints, key usage, distribution points, private extensions.
"""

import re
import ssl
import warnings
from functools import cache
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from portal import door_tls
from tests.portal.door_clients import foreign_ca, make_leaf

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FOLDER = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"
ANCHOR = "TrustAnchorRootCertificate"
OUTSIDE = re.compile(r"Polic|Mapping|inhibitAny|requireExplicit|deltaCRL|UserNotice|CPSPointer")
ENDS = sorted(file.stem for file in (FOLDER / "certs").glob("*EE.crt") if not OUTSIDE.search(file.stem))
# TLS 1.3 has no DSA (RFC 8446 4.2.3): with such a key nobody can come at all.
NO_DSA = {"InvalidDSASignatureTest6EE", "ValidDSASignaturesTest4EE", "ValidDSAParameterInheritanceTest5EE"}
INVALID = [name for name in ENDS if name.startswith("Invalid") and name not in NO_DSA]
# Valid ones that the door refuses nevertheless, stricter than it has to be. Our authorities make no such.
STRICTER = {
    "basic constraints are critical (RFC 5280 4.2.1.9)": ["ValidbasicConstraintsNotCriticalTest4EE"],
    "a list by another key than the certificates', or by somebody else, or of a part of the reasons": [
        "ValidBasicSelfIssuedCRLSigningKeyTest6EE",
        "ValidBasicSelfIssuedNewWithOldTest4EE",
        "ValidIDPwithindirectCRLTest22EE",
        "ValidIDPwithindirectCRLTest24EE",
        "ValidIDPwithindirectCRLTest25EE",
        "ValidSeparateCertificateandCRLKeysTest19EE",
        "ValidcRLIssuerTest28EE",
        "ValidcRLIssuerTest29EE",
        "ValidcRLIssuerTest30EE",
        "ValidcRLIssuerTest33EE",
        "ValidonlySomeReasonsTest18EE",
        "ValidonlySomeReasonsTest19EE",
    ],
}  # fmt: skip
REFUSED = {name for names in STRICTER.values() for name in names}
VALID = [name for name in ENDS if name.startswith("Valid") and name not in NO_DSA | REFUSED]


def der(name: str) -> bytes:
    return (FOLDER / "certs" / f"{name}.crt").read_bytes()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """The door's own context, with NIST's anchor and all of its lists."""
    lists = [file.read_bytes() for file in sorted((FOLDER / "crls").glob("*.crl"))]
    context = door_tls.new_context([der(ANCHOR)], lists)
    leaf, key = make_leaf(foreign_ca("whoever"), "server")
    file = tmp_path_factory.mktemp("server") / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(secret + leaf.public_bytes(Encoding.PEM))
    context.load_cert_chain(file)
    return context


@cache
def issuers() -> dict[bytes, list[str]]:
    """CA certificates by what leads to them: subject and key identifier."""
    found: dict[bytes, list[str]] = {}
    for file in sorted((FOLDER / "certs").glob("*.crt")):
        if file.stem.endswith("EE") or file.stem in (ANCHOR, "DSAParametersInheritedCACert"):
            continue  # the last is none that cryptography can read
        certificate = load(file.stem)
        keys = [certificate.subject.public_bytes()]
        keys += [key.value.digest for key in extension(certificate, x509.SubjectKeyIdentifier)]
        for key in keys:
            found.setdefault(key, []).append(file.stem)
    return found


def load(name: str) -> x509.Certificate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # negative serials are part of the suite
        return x509.load_der_x509_certificate(der(name))


def extension(certificate: x509.Certificate, kind: type) -> list[x509.Extension]:
    return [found for found in certificate.extensions if isinstance(found.value, kind)]


def chain(name: str) -> list[str]:
    """Every CA certificate that could be above `name`."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        here = load(waiting.pop())
        keys = [here.issuer.public_bytes()]
        keys += [key.value.key_identifier for key in extension(here, x509.AuthorityKeyIdentifier)]
        above = [ca for key in keys for ca in issuers().get(key, []) if ca not in found]
        found += dict.fromkeys(above)
        waiting += dict.fromkeys(above)
    return found


def client(name: str, folder: Path) -> ssl.SSLContext:
    """With its key, its certificate and its chain. Raises when the client cannot even be made."""
    key = pkcs12.load_key_and_certificates((FOLDER / "pkcs12" / f"{name}.p12").read_bytes(), b"password")[0]
    assert key is not None
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificates = [ssl.DER_cert_to_PEM_cert(der(each)).encode() for each in (name, *chain(name))]
    file = folder / "client.pem"
    file.write_bytes(secret + b"".join(certificates))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(file)
    return context


def knock(door: ssl.SSLContext, visitor: ssl.SSLContext) -> bytes | None:
    """A handshake in memory; the certificate that the door let in. Raises ssl.SSLError at the door only."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    inside = door.wrap_bio(up, down, server_side=True)
    outside = visitor.wrap_bio(down, up)
    for side in (outside, inside, outside, inside):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return inside.getpeercert(True)


@pytest.mark.parametrize("name", INVALID)
def test_no_invalid_chain_gets_in(door: ssl.SSLContext, name: str, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        knock(door, client(name, tmp_path))


@pytest.mark.parametrize("name", VALID)
def test_valid_chains_get_in(door: ssl.SSLContext, name: str, tmp_path: Path) -> None:
    assert knock(door, client(name, tmp_path)) == der(name)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_where_the_door_is_stricter_it_is_so_for_everybody(
    door: ssl.SSLContext, name: str, tmp_path: Path
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        knock(door, client(name, tmp_path))


def test_nothing_of_the_suite_is_forgotten() -> None:
    assert (len(INVALID), len(VALID), len(REFUSED), len(NO_DSA)) == (85, 50, 13, 3)
    assert len(ENDS) == 85 + 50 + 13 + 3
