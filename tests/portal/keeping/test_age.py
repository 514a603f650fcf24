"""The age format: the program `age` reads ours and we read its; whatever is changed is refused."""

import io
import os
import pty
import random
import shutil
import time
from pathlib import Path

import pytest

from portal.keeping import age
from portal.keeping.age import CHUNK, Unreadable

WORD = "correct horse battery staple"
LENGTHS = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7)

needs_age = pytest.mark.skipif(
    shutil.which("age") is None and os.environ.get("CI") != "true", reason="age is not installed"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "WORK", 4)


def sealed(plain: bytes) -> bytes:
    target = io.BytesIO()
    age.seal(iter([plain[:1000], plain[1000:]]), target, WORD)
    return target.getvalue()


def opened(data: bytes, word: str = WORD) -> bytes:
    return b"".join(age.opened(io.BytesIO(data), word))


def typed(command: list[str], *answers: str) -> None:
    """A program that asks for a passphrase at its terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    for answer in answers:
        said = b""
        while b":" not in said:
            said += os.read(terminal, 1024)
        time.sleep(0.1)  # it switches the echo off after it asked, and drops what was typed before
        os.write(terminal, answer.encode() + b"\n")
    try:
        while os.read(terminal, 1024):
            pass
    except OSError:  # its end of the terminal is closed
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


@pytest.mark.parametrize("length", LENGTHS)
def test_what_was_sealed_comes_back(length: int) -> None:
    plain = random.Random(length).randbytes(length)
    assert opened(sealed(plain)) == plain


def test_a_wrong_passphrase_is_said_to_be_one() -> None:
    with pytest.raises(Unreadable, match="passphrase is wrong"):
        opened(sealed(b"hello"), "another one")


def test_no_end_is_taken_for_the_end() -> None:
    data = sealed(bytes(2 * CHUNK + 9))
    for length in [*range(0, 250), len(data) - CHUNK - 25, len(data) - CHUNK, len(data) - 1]:
        with pytest.raises(Unreadable):
            opened(data[:length])
    with pytest.raises(Unreadable):
        opened(data + b"x")


def test_no_changed_byte_is_accepted() -> None:
    """The header's every bit, and many of the rest."""
    data, chance = sealed(bytes(CHUNK + 100)), random.Random(5)
    places = [*range(220), *(chance.randrange(len(data)) for _ in range(300))]
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        with pytest.raises(Unreadable):
            opened(bytes(changed))


def test_chunks_in_another_order_are_refused() -> None:
    data = sealed(bytes(3 * CHUNK))
    start, one = len(data) - 3 * (CHUNK + 16), CHUNK + 16
    changed = data[:start] + data[start + one : start + 2 * one] + data[start : start + one] + data[-one:]
    with pytest.raises(Unreadable):
        opened(changed)


def test_a_file_that_asks_for_all_memory_is_refused_at_once() -> None:
    assert b" 4\n" in (data := sealed(b"x"))
    with pytest.raises(Unreadable, match="more memory"):
        opened(data.replace(b" 4\n", b" 40\n", 1))


@needs_age
@pytest.mark.slow
def test_age_itself_opens_ours_and_we_open_what_it_made(tmp_path: Path) -> None:
    plain = random.Random(1).randbytes(2 * CHUNK + 5)
    (tmp_path / "plain").write_bytes(plain)
    (tmp_path / "ours").write_bytes(sealed(plain))
    typed(["age", "-d", "-o", str(tmp_path / "back"), str(tmp_path / "ours")], WORD)
    assert (tmp_path / "back").read_bytes() == plain
    typed(["age", "-p", "-o", str(tmp_path / "theirs"), str(tmp_path / "plain")], WORD, WORD)
    assert opened((tmp_path / "theirs").read_bytes()) == plain
