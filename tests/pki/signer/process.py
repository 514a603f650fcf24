"""A real signer process for the tests, and for the crash test outside of pytest."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.pki.signer.makers import STATUS_URL

TOP = Path(__file__).resolve().parents[3]


class Signer:
    """`python -m pki.signer` over one folder; started, stopped and killed at will."""

    def __init__(self, folder: Path):
        self.home, self.socket = folder / "signer", folder / "run" / "signer.sock"
        self.process: subprocess.Popen[str] | None = None

    def command(self, *options: str) -> list[str]:
        fixed = ["--home", str(self.home), "--socket", str(self.socket), "--status-url", STATUS_URL]
        return [sys.executable, "-m", "pki.signer", *fixed, "--label", "tests", *options]

    def start(self, *options: str, wait: bool = True) -> None:
        options = options or ("--hosts", "portal.home.arpa")
        self.process = subprocess.Popen(
            self.command(*options),
            cwd=TOP,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if wait:
            assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """(exit status, what it had logged)"""
        process, self.process = self.process, None
        process.send_signal(number)
        _, log = process.communicate(timeout=10)
        return process.returncode, log

    def refusal(self, *options: str) -> str:
        done = subprocess.run(self.command(*options), cwd=TOP, capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
        return done.stderr
