"""What stands in the terminal when everything runs."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import qrcode
from django.conf import settings

from portal import banner, landlock
from tests.portal.running import environment

BLOCKS = "█▄▀\xa0"  # by what is dark: nothing, the upper half, the lower half, both


def squares(lines: list[str]) -> list[list[bool]]:
    """The squares of a QR code drawn in half blocks; True is dark."""
    return [[bool(BLOCKS.index(letter) & half) for letter in line] for line in lines for half in (1, 2)]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[list[str]]:
    """The lines that `manage.py up` shows in a terminal until it waits."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        env=environment(tmp_path / "data") | {"TERM": "xterm"},
        cwd=settings.BASE_DIR,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said, deadline = b"", time.monotonic() + 30
    try:
        while time.monotonic() < deadline and not (b"Ctrl-C" in said and said.endswith(b"\r\n\r\n")):
            if select.select([ours], [], [], 0.5)[0]:
                said += os.read(ours, 1 << 16)
        yield said.decode().split("\r\n")
    finally:
        process.terminate()
        assert process.wait(10) == 0
        os.close(ours)


@pytest.mark.slow
def test_a_terminal_shows_addresses_setup_link_and_its_qr_code(screen: list[str]) -> None:
    shown = {line.partition(" ")[0].removeprefix("\x1b[1m"): line for line in screen if "http" in line}
    assert {"Portal", "Trust", "Status", "Set"} <= set(shown)
    link = next(word for word in shown["Set"].split() if "/setup/" in word).removeprefix("\x1b[0m")
    code = qrcode.QRCode(border=2, error_correction=qrcode.constants.ERROR_CORRECT_L)
    code.add_data(link)
    drawn = squares([line for line in screen if line and set(line) <= set(BLOCKS)])
    assert drawn[: len(code.get_matrix())] == code.get_matrix()


@pytest.mark.django_db(transaction=True)
def test_a_kernel_without_landlock_is_told(signer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert any("has no Landlock" in note for note in banner.notes())
