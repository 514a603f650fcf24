"""Certificates that are old in truth: the signer made them with libfaketime's clock, months ago.

The journal, the certificates and their signatures say the same then, as they would after these months.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from glob import glob
from pathlib import Path

import pytest
from django.conf import settings

DAYS = 300  # of 365: in the last third
FOUND = "/usr/lib/*/faketime/libfaketime.so.1"


def library() -> str:
    """Without libfaketime the test is skipped, or fails when CI=true."""
    libraries = glob(FOUND)
    if not libraries and os.environ.get("CI") == "true":
        pytest.fail("libfaketime is missing. On Debian: apt-get install libfaketime")
    if not libraries:
        pytest.skip("needs libfaketime")
    return libraries[0]


def ago(days: int = DAYS) -> dict[str, str]:
    """More environment for a program."""
    return {"LD_PRELOAD": library(), "FAKETIME": f"-{days}d"}


# libfaketime takes the end of Python's sleep (clock_nanosleep(2), TIMER_ABSTIME) for one of its own clock.
SLEEP = """
import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
"""


class Clock:
    """One for several programs, which goes on while they run: `environment` makes them follow the file."""

    def __init__(self, folder: Path) -> None:
        self.file, self.ahead = folder / "clock", timedelta(0)
        (folder / "sitecustomize.py").write_text(SLEEP)
        self.environment = {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # nobody's patience ends because days go by
            "PYTHONPATH": str(folder),
            "NO_FAKE_STAT": "1",
        }
        self.set(0)

    def set(self, days: float) -> None:
        """So many days after now, at once for all."""
        self.ahead = timedelta(seconds=round(days * 86400))
        following = self.file.with_suffix(".next")
        following.write_text(f"+{self.ahead.total_seconds():.0f}\n")
        following.replace(self.file)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


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
