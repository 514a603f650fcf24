"""Who the broker beside the portal lets in: small devices with mbedTLS, and nobody without a certificate."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import User
from pki import revocation
from pki.models import Certificate
from tests.portal import mosquittos
from tests.portal.mosquittos import Household

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# MQTT 3.1.1, 3.1: CONNECT as "x", clean session, keep alive 60 s.
CONNECT = bytes.fromhex("100d 0004 4d515454 04 02 003c 0001 78")
CONNACK = bytes.fromhex("20020000")


@pytest.fixture
def household(tmp_path: Path, signer: Path, alice: User, bob: User) -> Iterator[Household]:
    with mosquittos.household(tmp_path, alice, bob) as made:
        made.write()
        made.certify(made.portal, made.named("portal-broker"))
        made.portal.start()
        yield made


def greeted(household: Household, context: ssl.SSLContext) -> bytes:
    """What the broker answers to CONNECT; b"" when it hangs up. Raises ssl.SSLError when it says why."""
    with (
        socket.create_connection(("localhost", household.portal.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(CONNECT)
        return secure.recv(4)


def refused(household: Household, context: ssl.SSLContext) -> bool:
    try:
        return greeted(household, context) == b""
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return True


def test_only_a_live_certificate_of_devices_gets_in(household: Household) -> None:
    assert greeted(household, household.context(*household.device("lamp"))) == CONNACK
    bare = ssl.create_default_context(cafile=str(household.portal.own / "ca.pem"))
    assert refused(household, bare)
    phone = household.device("phone", "tls-client")
    assert refused(household, household.context(*phone))


def test_a_revoked_device_is_refused(household: Household) -> None:
    lamp = household.context(*household.device("lamp"))
    assert greeted(household, lamp) == CONNACK
    found = Certificate.objects.get(subject=household.named("lamp"))
    revocation.revoke(found, "keyCompromise", by="bob", address="")
    assert household.refresh().startswith("RESTART")
    assert refused(household, lamp)


@pytest.fixture(scope="module")
def mbedtls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client as small devices are built: Debian's mbedTLS, compiled here."""
    if not shutil.which("gcc") or not Path("/usr/include/mbedtls/ssl.h").exists():
        pytest.skip("gcc or libmbedtls-dev is not installed")
    program = tmp_path_factory.mktemp("mbedtls") / "client"
    source = Path(__file__).parent / "mbedtls_client.c"
    command = ["gcc", "-Wall", "-Werror", "-o", program, source, "-lmbedtls", "-lmbedx509", "-lmbedcrypto"]
    subprocess.run(command, check=True, timeout=60)
    return program


def with_mbedtls(
    program: Path, household: Household, root: Path, own: tuple[Path, Path]
) -> subprocess.CompletedProcess[str]:
    command = [program, "localhost", str(household.portal.port), root, *own, "lamp"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_mbedtls_accepts_the_broker_and_connects(household: Household, mbedtls: Path) -> None:
    done = with_mbedtls(mbedtls, household, household.portal.own / "ca.pem", household.device("lamp"))
    assert (done.returncode, done.stdout) == (0, "CONNACK TLSv1.2\n"), done.stderr


def test_mbedtls_without_the_root_accepts_nothing(household: Household, mbedtls: Path) -> None:
    own = household.device("lamp")
    foreign = household.folder / "leaf.pem"  # no authority: without its issuer's certificate behind it
    foreign.write_text(own[0].read_text().partition("-----END")[0] + "-----END CERTIFICATE-----\n")
    done = with_mbedtls(mbedtls, household, foreign, own)
    assert done.returncode == 1
    assert "handshake" in done.stderr
