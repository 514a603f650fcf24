"""Our lints: each dangerous certificate that could be built is found, and a good one passes."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki import builder, lint
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.profiles import PROFILES
from pki.signer import authorities

URL = "http://portal.home.arpa:8080"
CA_KEY, KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
NOW = datetime.now(UTC).replace(microsecond=0)
PROFILE = PROFILES["tls-server"]


def name(*pairs):
    return x509.Name([x509.NameAttribute(oid, text, _validate=False) for oid, text in pairs])


def ca():
    subject = name((NameOID.COMMON_NAME, "An issuing CA"))
    built = x509.CertificateBuilder(subject, subject, CA_KEY.public_key(), x509.random_serial_number())
    built = built.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=100))
    ski = x509.SubjectKeyIdentifier.from_public_key(CA_KEY.public_key())
    built = built.add_extension(authorities.constraints(()), True)
    return built.add_extension(ski, False).sign(CA_KEY, hashes.SHA256())


CA = ca()
TEMPLATE = builder.Template(PROFILE, CA, URL)
SAN = x509.SubjectAlternativeName([x509.DNSName("nas.home.arpa")])
SKI = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
GOOD = [(extension.value, extension.critical) for extension in TEMPLATE.extensions] + [
    (SKI, False),
    (SAN, False),
]
SUBJECT = name((NameOID.ORGANIZATION_NAME, "The Smiths"), (NameOID.COMMON_NAME, "NAS"))


def leaf(
    subject=SUBJECT, serial=1 << 100, start=NOW, days=1, extensions=GOOD, issuer=CA.subject, digest=None
):
    built = x509.CertificateBuilder(issuer, subject, KEY.public_key(), serial)
    built = built.not_valid_before(start).not_valid_after(start + timedelta(days=days))
    for value, critical in extensions:
        built = built.add_extension(value, critical)
    return built.sign(CA_KEY, digest or hashes.SHA256())


def without(oid):
    return [(value, critical) for value, critical in GOOD if value.oid != oid]


def swapped(value, critical=False):
    return [*without(value.oid), (value, critical)]


def names(*more):
    return x509.SubjectAlternativeName([*SAN, *more])


def urls(text):
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(text)], None, None, None)
    return x509.CRLDistributionPoints([point])


def test_a_good_certificate_passes():
    lint.check(leaf(), PROFILE, CA, URL)


def test_what_the_template_builds_passes():
    wanted = builder.Wanted(SUBJECT, list(SAN), KEY.public_key(), 1 << 100, NOW, NOW + timedelta(days=1))
    lint.check(TEMPLATE.rehearse(wanted), PROFILE, CA, URL)


EKU = x509.ExtendedKeyUsage
BAD = {
    "serial 1": {"serial": 1},
    "a short serial": {"serial": (1 << 63) - 1},
    "an empty subject": {"subject": x509.Name([])},
    "NUL in a name": {"subject": name((NameOID.COMMON_NAME, "nas\0.evil"))},
    "a newline in a name": {"subject": name((NameOID.COMMON_NAME, "nas\nCN=admin"))},
    "a right-to-left override": {"subject": name((NameOID.COMMON_NAME, "nas\u202eapra"))},
    "a line separator": {"subject": name((NameOID.COMMON_NAME, "nas\u2028x"))},
    "a blank name": {"subject": name((NameOID.COMMON_NAME, " "))},
    "a name of two parts": {
        "subject": x509.Name(
            [
                x509.RelativeDistinguishedName(
                    [
                        x509.NameAttribute(NameOID.COMMON_NAME, "a"),
                        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "b"),
                    ]
                )
            ]
        )
    },
    "it outlives its issuer": {"days": 200},
    "it begins before its issuer": {"start": NOW - timedelta(days=2)},
    "another issuer's name": {"issuer": SUBJECT},
    "another digest": {"digest": hashes.SHA384()},
    "CA:TRUE": {"extensions": swapped(x509.BasicConstraints(ca=True, path_length=None), True)},
    "no basicConstraints": {"extensions": without(x509.BasicConstraints.oid)},
    "any extended key usage": {
        "extensions": swapped(
            EKU([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
        )
    },
    "another extended key usage": {"extensions": swapped(EKU([ExtendedKeyUsageOID.CLIENT_AUTH]))},
    "no extended key usage": {"extensions": without(EKU.oid)},
    "another key usage": {"extensions": swapped(builder.key_usage("digitalSignature", "keyCertSign"), True)},
    "key usage not critical": {"extensions": swapped(builder.key_usage("digitalSignature"))},
    "another key identifier": {"extensions": swapped(x509.SubjectKeyIdentifier(b"1" * 20))},
    "another authority key identifier": {
        "extensions": swapped(x509.AuthorityKeyIdentifier(b"1" * 20, None, None))
    },
    "no subjectAltName": {"extensions": without(SAN.oid)},
    "a name outside the constraints": {"extensions": swapped(names(x509.DNSName("bank.example")))},
    "a name the constraints do not see": {"extensions": swapped(names(x509.RFC822Name("a@home.arpa")))},
    "an unknown extension": {
        "extensions": [*GOOD, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), False)]
    },
    "an unknown critical extension": {
        "extensions": [*GOOD, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)]
    },
    "another CRL address": {"extensions": swapped(urls("http://elsewhere/crl/servers.crl"))},
    "another authority's CRL": {"extensions": swapped(urls(f"{URL}/crl/clients.crl"))},
}


@pytest.mark.parametrize("what", BAD)
def test_a_lint_finds(what):
    with pytest.raises(IssuanceRefused) as refusal:
        lint.check(leaf(**BAD[what]), PROFILE, CA, URL)
    assert refusal.value.code == "lint"


def test_a_client_certificate_with_names_is_found():
    with pytest.raises(IssuanceRefused):
        lint.check(leaf(), PROFILES["tls-client"], CA, URL)


def test_nothing_is_signed_when_pkilint_cannot_run(monkeypatch):
    monkeypatch.setattr(lint.sys, "executable", "/bin/false")
    with pytest.raises(SignerUnavailable) as trouble:
        lint.thorough([b""])
    assert trouble.value.code == "pkilint"
