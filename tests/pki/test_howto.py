"""The commands shown to people, run as shown."""

import subprocess
from pathlib import Path

import pytest

from pki import csr
from pki.howto import KeyKind, openssl_lines
from pki.profiles import PROFILES

NASTY_LABEL = 'Anna\'s "phone" /O=Bank $(id) \\ M\u00fcller'


def run(lines: tuple[str, ...], folder: Path) -> csr.ParsedCSR:
    subprocess.run(["sh", "-e", "-c", "\n".join(lines)], cwd=folder, check=True, capture_output=True)
    return csr.parse((folder / "device.csr").read_bytes())


def test_only_server_profiles_ask_for_names() -> None:
    for profile in PROFILES.values():
        asks = "subjectAltName" in openssl_lines(profile)[-1]
        assert asks == (profile.san == "required")


@pytest.mark.slow
@pytest.mark.parametrize("key", ["P-256", "RSA"])
@pytest.mark.parametrize("name", PROFILES)
def test_the_commands_make_a_request_that_is_accepted(name: str, key: KeyKind, tmp_path: Path) -> None:
    parsed = run(openssl_lines(PROFILES[name], key), tmp_path)
    assert parsed.key_text == {"P-256": "P-256", "RSA": "RSA 2048"}[key]
    assert parsed.common_name == PROFILES[name].title


@pytest.mark.slow
def test_names_are_quoted_for_the_shell_and_for_openssl(tmp_path: Path) -> None:
    sans = ("dns:nas.lan", "ip:fd00::1")
    parsed = run(openssl_lines(PROFILES["tls-server"], common_name=NASTY_LABEL, sans=sans), tmp_path)
    assert parsed.common_name == NASTY_LABEL
    assert parsed.subject == (("CN", NASTY_LABEL),)
    assert parsed.sans == sans
