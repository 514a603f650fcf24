"""The cast, and the real programs the tests talk to.

alice asks, charlie is another requester, bob is the officer, erin audits, dora administers; mallory is nobody.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

from accounts.models import User


@pytest.fixture(scope="session")
def signer() -> Iterator[Path]:
    """A real signer process over the tests' data folder; gives its socket."""
    command = [sys.executable, "-m", "pki.signer", "--home", settings.SIGNER_DIR]
    command += ["--socket", settings.SIGNER_SOCKET, "--hosts", " ".join(settings.HOSTS)]
    command += ["--status-url", settings.STATUS_URL, "--label", "tests"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield settings.SIGNER_SOCKET
        process.terminate()


def make_csr(common_name: str = "whatever", key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """A P-256 CSR in PEM, made by cryptography."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def csr() -> Callable[..., bytes]:
    return make_csr


def person(username: str, **roles: bool) -> User:
    return User.objects.create_user(username, "correct horse battery", full_name=username.title(), **roles)


@pytest.fixture
def alice(db: None) -> User:
    return person("alice", is_requester=True)


@pytest.fixture
def charlie(db: None) -> User:
    return person("charlie", is_requester=True)


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", is_officer=True)


@pytest.fixture
def erin(db: None) -> User:
    return person("erin", is_auditor=True)


@pytest.fixture
def dora(db: None) -> User:
    return person("dora", is_administrator=True)
