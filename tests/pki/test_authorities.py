"""The authorities' certificates as files."""

from pathlib import Path

import pytest
from cryptography import x509
from pytest_django import Settings

from pki import authorities
from pki.errors import SignerUnavailable
from pki.signer.protocol import AUTHORITIES

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.PUBLIC_DIR = tmp_path
    return tmp_path


def test_all_are_published_and_what_people_and_proxies_take_in_pem_too(signer: Path, folder: Path) -> None:
    authorities.publish_certificates()
    names = {path.name for path in (folder / "ca").iterdir()}
    assert names == {f"{name}{part}.cer" for name in AUTHORITIES for part in ("", "-root")} | {
        "servers-root.pem",
        "clients.pem",
    }
    pem = x509.load_pem_x509_certificate((folder / "ca" / "servers-root.pem").read_bytes())
    assert pem == x509.load_der_x509_certificate(authorities.chain("servers")[1])
    both = x509.load_pem_x509_certificates((folder / "ca" / "clients.pem").read_bytes())
    assert both == [x509.load_der_x509_certificate(der) for der in authorities.chain("clients")]


def test_publishing_again_leaves_equal_files_alone(signer: Path, folder: Path) -> None:
    authorities.publish_certificates()
    before = {path: path.stat().st_mtime_ns for path in (folder / "ca").iterdir()}
    authorities.publish_certificates()
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "ca").iterdir()}


def test_a_chain_needs_the_signer_only_once(signer: Path, settings: Settings, tmp_path: Path) -> None:
    issuing, root = authorities.chain("clients")
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    assert authorities.chain("clients") == (issuing, root)
    x509.load_der_x509_certificate(issuing).verify_directly_issued_by(x509.load_der_x509_certificate(root))


def test_without_a_signer_and_without_files_there_is_no_chain(settings: Settings, tmp_path: Path) -> None:
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    with pytest.raises(SignerUnavailable):
        authorities.chain("clients")


def test_only_the_servers_are_limited_to_the_household_s_names(signer: Path) -> None:
    allowed = authorities.permitted("servers")
    assert "dns:home.arpa" in allowed and "ip:192.168.0.0/16" in allowed
    assert not any("bank" in name for name in allowed)
