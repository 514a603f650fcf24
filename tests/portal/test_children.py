"""Child processes: restarted with patience, gone with their parent."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal import children
from portal.children import Child
from tests.portal.running import alive, wait_until


def test_the_first_death_is_followed_at_once_and_later_ones_ever_more_slowly() -> None:
    child = Child("x", lambda: 1, pid=1, started=time.monotonic())
    assert [child.died() for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_life_well_lived_forgives_earlier_deaths() -> None:
    child = Child("x", lambda: 1, pid=1, started=time.monotonic(), deaths=5)
    child.started -= children.LIVED_WELL + 1
    assert child.died() == 0


def test_a_signal_to_somebody_gone_is_no_error() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    Child("x", lambda: 1, pid=gone.pid).signal(signal.SIGTERM)
    Child("x", lambda: 1).signal(signal.SIGTERM)


def test_children_end_when_their_parent_is_killed() -> None:
    code = (
        "import sys, time\n"
        "from portal import children\n"
        "print(children.forked(lambda: time.sleep(60))(), flush=True)\n"
        "print(children.spawned([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = {int(parent.stdout.readline()), int(parent.stdout.readline())}
        time.sleep(0.2)
        assert alive(pids) == pids
        parent.kill()
    wait_until(lambda: not alive(pids), 5, "both gone")


def test_a_program_starts_in_our_folder_wherever_we_were_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki/__init__.py").write_text("raise SystemExit(7)")
    code = "import pki, sys; sys.exit(not pki.__file__.endswith('pki/__init__.py'))"
    assert children.spawned([sys.executable, "-c", code]).wait() == 0


def test_a_fork_that_fails_says_so_by_its_exit_code() -> None:
    def broken() -> None:
        raise SystemExit(3)

    code = os.waitstatus_to_exitcode(os.waitpid(children.forked(broken)(), 0)[1])
    assert code == 3


def test_a_fork_has_none_of_its_parents_files_but_those_it_is_given() -> None:
    (given, other), (reading, writing) = os.pipe(), os.pipe()

    def told() -> None:
        os.write(writing, " ".join(sorted(os.listdir("/proc/self/fd"))).encode())

    os.waitpid(children.forked(told, keep=[given, writing])(), 0)
    found = {int(number) for number in os.read(reading, 1000).split()}
    for descriptor in (given, other, reading, writing):
        os.close(descriptor)
    assert {0, 1, 2, given, writing} <= found
    assert len(found) == 6  # and the one with which it looked


def test_a_child_has_neither_the_terminal_nor_its_keyboard() -> None:
    """With the terminal it could type into it (TIOCSTI) what the shell behind it runs afterwards."""
    pid, terminal = pty.fork()
    if not pid:
        child = children.forked(lambda: sys.exit(os.getsid(0) != os.getpid() or os.isatty(0) or _terminal()))
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child(), 0)[1]))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


def _terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True
