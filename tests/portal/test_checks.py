"""What is looked at before the start; each obstacle is a sentence with the way out."""

import errno
import os
import shutil
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from portal import checks, ports
from portal.checks import Obstacle
from tests.portal.running import environment, sentence, up


class Pair(NamedTuple):
    certificate: Path
    key: Path


def pair(folder: Path, days: int = 30, name: str = "own") -> Pair:
    """A self-signed certificate for localhost and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    leaf = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    made = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    made.certificate.write_bytes(leaf.public_bytes(Encoding.PEM))
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made.key.chmod(0o600)
    return made


def test_a_good_pair_of_ones_own_passes(tmp_path: Path) -> None:
    checks.own_certificate(*pair(tmp_path))


def test_a_key_of_another_certificate_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(Obstacle, match="does not belong to"):
        checks.own_certificate(pair(tmp_path).certificate, pair(tmp_path, name="other").key)


def test_an_ended_certificate_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(Obstacle, match="ended on .* Renew it"):
        checks.own_certificate(*pair(tmp_path, days=-1))


def test_a_key_that_everybody_reads_is_refused_with_the_command(tmp_path: Path) -> None:
    own = pair(tmp_path)
    own.key.chmod(0o644)
    with pytest.raises(Obstacle, match="chmod o= "):
        checks.own_certificate(*own)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_or_no_certificate_is_said(tmp_path: Path, content: bytes) -> None:
    own = pair(tmp_path)
    broken = tmp_path / "broken"
    broken.write_bytes(content)
    broken.chmod(0o600)
    with pytest.raises(Obstacle, match="no private key"):
        checks.own_certificate(own.certificate, broken)
    with pytest.raises(Obstacle, match="no certificate"):
        checks.own_certificate(broken, own.key)
    with pytest.raises(Obstacle, match="cannot be read"):
        checks.own_certificate(tmp_path / "missing", own.key)


def test_too_little_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=5 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(Obstacle, match="Only 5 MB are free"):
        checks.data_folder(tmp_path / "data")


def test_a_disk_that_was_stopped_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux lets access(2) pass there, and says no to the first file."""

    def stopped(dir: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(checks.tempfile, "TemporaryFile", stopped)
    with pytest.raises(Obstacle, match="takes no files: Read-only file system"):
        checks.data_folder(tmp_path / "data")


@pytest.mark.parametrize(
    ("theirs", "newer"), [("0.0.1", False), (settings.VERSION, False), ("0.10.0", True), ("9", True)]
)
def test_a_newer_version_is_recognised_by_its_numbers(tmp_path: Path, theirs: str, newer: bool) -> None:
    file = tmp_path / "VERSION"
    file.write_text(f"{theirs}\n")
    if newer:
        with pytest.raises(Obstacle, match="newer Latchkey"):
            checks.newer(file)
    else:
        checks.newer(file)


def test_the_holder_of_a_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"process {os.getpid()}" in ports.holder(port)
        with pytest.raises(ports.PortTrouble, match=f"Port {port} is in use by .* LATCHKEY_STATUS_BIND="):
            ports.listen("127.0.0.1", port, "LATCHKEY_STATUS_BIND")
    assert ports.holder(port) == ""


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(ports.PortTrouble, match="not an address of this machine"):
        ports.listen("192.0.2.77", 0, "LATCHKEY_PORTAL_BIND")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LATCHKEY_HSOTS", "a", "is not a setting of Latchkey"),
        ("LATCHKEY_PORTAL_BIND", "eight", "is not an address to listen on"),
        ("LATCHKEY_TLS_CERT", "/somewhere.pem", "belong together"),
        ("LATCHKEY_DATA", "/proc/nowhere", "Choose another one with LATCHKEY_DATA"),
        ("DATABASE_URL_FILE", "/nowhere", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_a_sentence(tmp_path: Path, name: str, value: str, words: str) -> None:
    assert words in sentence("up", env=environment(tmp_path / "data", **{name: value}))


@pytest.mark.slow
def test_a_web_secret_that_others_read_stops_the_start(tmp_path: Path) -> None:
    secret = tmp_path / "data/web/secret-key"
    secret.parent.mkdir(parents=True)
    secret.write_text("x")
    secret.chmod(0o644)
    assert "chmod 600" in sentence("up", env=environment(tmp_path / "data"))


@pytest.mark.slow
def test_ones_own_certificate_is_served_and_its_successor_too(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    own = pair(tmp_path / "own")
    settings_of_it = {"LATCHKEY_TLS_CERT": str(own.certificate), "LATCHKEY_TLS_KEY": str(own.key)}
    with up(tmp_path / "data", **settings_of_it) as running:
        first = x509.load_pem_x509_certificate(own.certificate.read_bytes())
        assert leaf_on(running.address) == first
        successor = pair(tmp_path, name="next")
        os.replace(successor.key, own.key)
        assert leaf_on(running.address) == first  # half replaced: the old pair stays in use
        os.replace(successor.certificate, own.certificate)
        assert leaf_on(running.address) != first


def test_a_certificate_beside_the_data_folder_is_sent_elsewhere() -> None:
    own = pair(settings.DATA.parent, name=f"beside-{os.getpid()}")
    try:
        with pytest.raises(Obstacle, match="a folder of their own"):
            checks.own_certificate(*own)
    finally:
        own.certificate.unlink()
        own.key.unlink()


def leaf_on(address: tuple[str, int]) -> x509.Certificate:

    return x509.load_pem_x509_certificate(ssl.get_server_certificate(address).encode())
