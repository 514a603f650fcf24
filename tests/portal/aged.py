"""Certificates that are old in truth: the signer made them with libfaketime's clock, months ago.

The journal, the certificates and their signatures say the same then, as they would after these months.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import pytest
from django.conf import settings

DAYS = 300  # of 365: in the last third
FOUND = "/usr/lib/*/faketime/libfaketime.so.1"


def ago(days: int = DAYS) -> dict[str, str]:
    """More environment for a program. Without libfaketime the test is skipped, or fails when CI=true."""
    libraries = glob(FOUND)
    if not libraries and os.environ.get("CI") == "true":
        pytest.fail("libfaketime is missing. On Debian: apt-get install libfaketime")
    if not libraries:
        pytest.skip("needs libfaketime")
    return {"LD_PRELOAD": libraries[0], "FAKETIME": f"-{days}d"}


@contextmanager
def signer(home: Path, **more: str) -> Iterator[Path]:
    """A real signer over `home`; gives its socket. `more` environment: `ago()` for one of the past."""
    socket = home / "signer.sock"
    command = [sys.executable, "-m", "pki.signer", "--home", home / "signer", "--socket", socket]
    command += ["--hosts", " ".join(settings.HOSTS), "--status-url", settings.STATUS_URL, "--label", "aged"]
    env = {**os.environ, **more}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR, env=env
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield socket
        process.terminate()
