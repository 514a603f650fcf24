"""Other people's software on our chains: it accepts what is right and refuses what is not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki import lint
from pki.profiles import PROFILES
from tests.pki.signer.makers import crl_pem, lists, past_all_checks, pem, request

pytestmark = pytest.mark.slow
JAVA = Path(__file__).with_name("Verify.java")


class Chain:
    """Files of one authority for the openssl command."""

    def __init__(self, folder: Path, authority, service):
        self.folder = folder
        self.root = self.file("root.pem", pem_of(authority.root.certificate))
        self.issuing = self.file("issuing.pem", pem_of(authority.issuing.certificate))
        issuing, root = lists(service, authority.name)
        self.crls = self.file("crls.pem", crl_pem(issuing) + crl_pem(root))

    def file(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def openssl(self, leaf: bytes, *options: str) -> subprocess.CompletedProcess[str]:
        command = ["openssl", "verify", "-x509_strict", "-CAfile", self.root, "-untrusted", self.issuing]
        return run([*command, *options, self.file("leaf.pem", leaf)])

    def java(self, leaf: bytes) -> str:
        return run(["java", str(JAVA), self.root, self.issuing, self.file("leaf.pem", leaf)]).stdout.strip()


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


@pytest.fixture
def chain(tmp_path, authorities, service):
    return lambda name: Chain(tmp_path, authorities[name], service)


@pytest.mark.parametrize(
    ("profile", "purpose", "accepted"),
    [
        ("tls-client", "sslclient", True),
        ("tls-client", "sslserver", False),
        ("tls-server", "sslserver", True),
        ("tls-server", "sslclient", False),
        ("mqtt-client", "sslclient", True),
        ("mqtt-client", "sslserver", False),
        ("mqtt-broker", "sslserver", True),
        ("mqtt-broker", "sslclient", True),
    ],
)
def test_openssl_accepts_each_profile_for_its_purpose_only(service, chain, profile, purpose, accepted):
    leaf = pem(service.issue(request(profile)))
    done = chain(PROFILES[profile].authority).openssl(leaf, "-purpose", purpose)
    assert (done.returncode == 0) == accepted, done.stdout + done.stderr
    assert accepted or "unsuitable certificate purpose" in done.stderr or "unsupported" in done.stderr


def test_openssl_checks_the_whole_chain_against_our_crls(service, chain):
    der = service.issue(request())
    good = chain("clients")
    assert good.openssl(pem(der), "-crl_check_all", "-CRLfile", good.crls).returncode == 0
    service.revoke("clients", f"{x509.load_der_x509_certificate(der).serial_number:x}", "superseded", "bob")
    after = chain("clients")
    done = after.openssl(pem(der), "-crl_check_all", "-CRLfile", after.crls)
    assert done.returncode != 0 and "certificate revoked" in done.stderr


FOREIGN = ["dns:bank.example", "dns:example.home.arpa.example", "ip:8.8.8.8", "ip:2001:db8::1"]
OURS = [
    "dns:home.arpa",
    "dns:nas.home.arpa",
    "dns:nas",
    "dns:localhost",
    "ip:192.168.9.9",
    "ip:203.0.113.9",
    "ip:fd00::9",
]


def test_openssl_refuses_a_server_with_a_foreign_name(authorities, chain):
    servers = chain("servers")
    for san in FOREIGN:
        leaf = past_all_checks(authorities["servers"], "tls-server", "A fake", "dns:nas.home.arpa", san)
        done = servers.openssl(pem_of(leaf))
        assert "permitted subtree violation" in done.stderr, (san, done.stdout + done.stderr)


def test_openssl_accepts_a_server_with_every_kind_of_our_names(authorities, chain):
    servers = chain("servers")
    for sans in ([san] for san in OURS):
        leaf = past_all_checks(authorities["servers"], "tls-server", "The NAS in the attic", *sans)
        done = servers.openssl(pem_of(leaf), "-purpose", "sslserver")
        assert done.returncode == 0, (sans, done.stdout + done.stderr)


def test_java_accepts_our_names_and_refuses_a_foreign_one(authorities, chain):
    if shutil.which("java") is None:
        assert not os.environ.get("CI"), "java is missing (Debian package default-jdk-headless)"
        pytest.skip("java is missing")
    servers = chain("servers")
    good = past_all_checks(authorities["servers"], "tls-server", "The NAS in the attic", *OURS)
    assert servers.java(pem_of(good)) == "ok"
    for san in ("dns:bank.example", "ip:8.8.8.8"):
        fake = past_all_checks(authorities["servers"], "tls-server", "A fake", "dns:nas.home.arpa", san)
        assert "name constraints" in servers.java(pem_of(fake))


@pytest.mark.parametrize("name", ["clients", "servers", "devices"])
def test_pkilint_finds_nothing_in_authorities_certificates_and_crls(service, authorities, name):
    found = authorities[name]
    documents = [pem_of(found.root.certificate), pem_of(found.issuing.certificate)]
    leaves = [service.issue(request(profile)) for profile, p in PROFILES.items() if p.authority == name]
    serial = x509.load_der_x509_certificate(leaves[0]).serial_number
    service.revoke(name, f"{serial:x}", "keyCompromise", "bob")
    issuing, root = lists(service, name)
    documents += [*map(pem, leaves), crl_pem(issuing), crl_pem(root)]
    assert lint.thorough(documents) == []
