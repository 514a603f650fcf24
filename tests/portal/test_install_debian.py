"""deploy/install-debian.sh switches nothing on: with programs of the test's own in place of Debian's."""

import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

SCRIPT = settings.BASE_DIR / "deploy" / "install-debian.sh"

# As Debian does: asks the policy before a start, and enables in any case.
APT = """#!/bin/sh
[ "$1" = install ] || exit 0
echo "$DEBIAN_FRONTEND" >"$ROOT/frontend"
if "$ROOT/usr/sbin/policy-rc.d"; then echo nginx >>"$ROOT/started"; fi
ln -s ../init.d/nginx "$ROOT/etc/rc2.d/S01nginx"
exit "${APT_ENDS:-0}"
"""
UPDATE = '#!/bin/sh\nrm "$ROOT/etc/rc2.d/S01$1"\n'
SERVICE = '#!/bin/sh\necho "$1 $2" >>"$ROOT/service"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine that has PostgreSQL already."""
    for folder in ("usr/sbin", "etc/rc2.d", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/rc2.d/S01postgresql").symlink_to("../init.d/postgresql")
    for name, text in (("apt-get", APT), ("update-rc.d", UPDATE), ("service", SERVICE)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def install(root: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{root}/bin:{os.environ['PATH']}", "ROOT": str(root), **more}
    command = ["sh", str(SCRIPT), str(root), "nginx", "postgresql"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=20)


def switched_on(root: Path) -> list[str]:
    return sorted(link.name for link in (root / "etc/rc2.d").iterdir())


def test_what_is_installed_neither_starts_nor_stays_enabled(root: Path) -> None:
    done = install(root)
    assert done.returncode == 0, done.stderr
    assert "nginx is installed for the tests, and stays switched off." in done.stdout
    assert not (root / "started").exists()
    assert switched_on(root) == ["S01postgresql"], "what was there before stays as it was"
    assert (root / "frontend").read_text().strip() == "noninteractive"


def test_the_policy_goes_even_when_the_installation_fails(root: Path) -> None:
    assert install(root, APT_ENDS="100").returncode == 100
    assert not (root / "usr/sbin/policy-rc.d").exists()
    assert switched_on(root) == ["S01postgresql"]


def test_a_policy_of_the_machines_own_stays_and_what_it_let_start_is_stopped(root: Path) -> None:
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o755)
    install(root)
    assert policy.read_text().endswith("exit 0\n")
    assert (root / "started").exists()
    assert (root / "service").read_text() == "nginx stop\n"


def test_a_service_that_was_enabled_before_is_left_alone(root: Path) -> None:
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "nginx.service").symlink_to("/lib/systemd/system/nginx.service")
    install(root)
    assert switched_on(root) == ["S01nginx", "S01postgresql"]
    assert not (root / "service").exists()
