"""The passphrase of a backup, as somebody at a real terminal gives it."""

import os
import pty
import re
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from tests.portal.running import environment

pytestmark = pytest.mark.slow

PROGRAM = """
from portal.keeping import asking
with asking.told():
    print("got", asking.new_passphrase(None))
"""


def dialogue(folder: Path, *answers: str) -> str:
    """Everything that stands on the terminal after these answers."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(settings.BASE_DIR)
        os.execve(sys.executable, [sys.executable, "-c", PROGRAM], environment(folder))
    said = b""
    for answer in answers:
        while not said.rstrip().endswith((b"Passphrase:", b"again:")):
            said += os.read(terminal, 1024)
        time.sleep(0.1)  # it drops what was typed before it asked
        os.write(terminal, answer.encode() + b"\n")
        said += os.read(terminal, 1024)
    try:
        while more := os.read(terminal, 1024):
            said += more
    except OSError:  # it ended
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    return said.decode()


def test_a_passphrase_is_typed_twice_and_never_shown(tmp_path: Path) -> None:
    word = "correct horse battery"
    said = dialogue(tmp_path, word, word)
    assert said.count(word) == 1  # only what the program here prints at its end
    assert f"got {word}" in said
    assert "were not the same" in dialogue(tmp_path, word, word + "x")


def test_a_short_one_is_refused_and_an_empty_line_makes_one(tmp_path: Path) -> None:
    assert "needs at least 16 characters" in dialogue(tmp_path, "short")
    said = dialogue(tmp_path, "")
    (made,) = re.findall(r"got ((?:[a-z]+ ?){12})", said)
    assert "Write it down on paper" in said
    assert said.count(made.strip()) == 2
