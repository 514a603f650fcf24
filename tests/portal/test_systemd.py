"""The units in deploy/: systemd understands them, and they are closed up."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow

UNITS = settings.BASE_DIR / "deploy" / "systemd"
EXPOSURE = {
    "latchkey-signer.service": 1.0,
    "latchkey-portal.service": 2.0,
    "latchkey-housekeeping.service": 2.0,
    "latchkey-backup.service": 2.0,
}  # systemd's scale: 0 closed, 10 open


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if not found and os.environ.get("CI") == "true":
        pytest.fail("systemd-analyze is missing. Run: sudo apt install systemd")
    if not found:
        pytest.skip("systemd-analyze is not installed")
    return found


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """Copies that name programs which exist here: /opt/latchkey does not."""
    made = []
    for timer in UNITS.glob("*.timer"):
        shutil.copy(timer, tmp_path)
    for name in EXPOSURE:
        text = (
            (UNITS / name).read_text().replace("/opt/latchkey/.venv/bin/python", shutil.which("true") or "")
        )
        made.append(tmp_path / name)
        made[-1].write_text(text)
    return made


def test_systemd_has_nothing_to_say_about_the_units(analyze: str, units: list[Path]) -> None:
    timers = sorted(units[0].parent.glob("*.timer"))
    assert len(timers) == 2
    done = subprocess.run(
        [analyze, "verify", "--man=no", *map(str, [*units, *timers])],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_are_closed_up(analyze: str, units: list[Path]) -> None:
    for unit in units:
        command = [analyze, "security", "--offline=true", "--no-pager", unit]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
        assert found is not None, done.stderr
        assert float(found.group(1)) <= EXPOSURE[unit.name]


def test_the_signer_has_no_network_and_a_user_of_its_own() -> None:
    signer = (UNITS / "latchkey-signer.service").read_text()
    portal = (UNITS / "latchkey-portal.service").read_text()
    assert "PrivateNetwork=yes" in signer
    assert "RestrictAddressFamilies=AF_UNIX\n" in signer
    assert "User=latchkey-signer" in signer
    assert "User=latchkey-web" in portal
    assert "landlock_restrict_self" in portal


def test_only_the_backup_may_read_what_is_not_its_own_and_it_has_no_network() -> None:
    backup = (UNITS / "latchkey-backup.service").read_text()
    assert "User=latchkey-web" in backup
    assert "PrivateNetwork=yes" in backup
    reading = [unit.name for unit in UNITS.glob("*.service") if "CAP_DAC_READ_SEARCH" in unit.read_text()]
    assert reading == ["latchkey-backup.service"]
