"""The commands that people type in a terminal, in a folder of the test."""

import subprocess
from pathlib import Path

SECONDS = 60


def run(folder: Path, *words: str | Path) -> str:
    """A command that has to succeed; gives what it wrote."""
    done = attempt(folder, *words)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def attempt(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)


def type_lines(folder: Path, lines: str) -> None:
    """Into a shell that stops at the first line that fails."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["sh", "-e"], input=lines, cwd=folder, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, f"{lines}\n{done.stderr}"


def der(folder: Path) -> Path:
    """device.csr in binary form, as some programs write it."""
    run(folder, "openssl", "req", "-in", "device.csr", "-outform", "DER", "-out", "device.der")
    return folder / "device.der"


def trust(home: Path, root: Path) -> Path:
    """A home folder in whose certificate store Chromium finds `root` (PEM) as an authority."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    run(home, "certutil", "-d", f"sql:{store}", "-N", "--empty-password")
    run(home, "certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "root", "-i", root)
    return home
