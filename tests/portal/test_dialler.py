"""Who may make no Unix sockets is handed connections to the signer, and to nobody else."""

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from pki.errors import SignerUnavailable
from pki.signer import client
from portal import children, dialler, health
from portal.dialler import Line
from tests.portal.running import wait_until


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialler, "WITHIN", 1.0)


@pytest.fixture
def start() -> Iterator[Callable[..., int]]:
    """Starts a dialler for these lines; gives its process id."""
    started = []

    def starter(*lines: Line) -> int:
        ends = [line.diallers.fileno() for line in lines]
        started.append(children.forked(lambda: dialler.serve(lines), keep=ends)())
        return started[-1]

    yield starter
    for pid in started:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_many_threads_share_a_line_and_each_gets_its_own_answer(
    signer: Path, start: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line()
    start(line)
    monkeypatch.setattr(client, "connect", line.connect)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.status(signer), range(64)))
    assert {len(answer.authorities) for answer in answers} == {3}
    assert health.signer_listens()


def test_no_program_started_meanwhile_gets_the_connection(signer: Path, start: Callable[..., int]) -> None:
    line = Line()
    start(line)
    with line.connect(signer) as connection:
        assert not connection.get_inheritable()


def test_where_nobody_listens_the_signer_is_not_there(
    start: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: pytest.FixtureRequest,
) -> None:
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    line = Line()
    start(line)
    monkeypatch.setattr(client, "connect", line.connect)
    with pytest.raises(SignerUnavailable):
        client.status(settings.SIGNER_SOCKET)
    assert not health.signer_listens()


def test_it_takes_no_orders(signer: Path, start: Callable[..., int], tmp_path: Path) -> None:
    """Neither by the path nor by what is sent along."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "other"))
        other.listen()
        other.setblocking(False)
        line = Line()
        start(line)
        socket.send_fds(line.ours, [str(tmp_path / "other").encode()], [other.fileno()])
        with line.connect(tmp_path / "other") as connection:
            assert connection.getpeername() == str(settings.SIGNER_SOCKET)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_what_is_asked_while_there_is_no_dialler_waits_for_the_next(
    signer: Path, start: Callable[..., int]
) -> None:
    line = Line()
    with pytest.raises(TimeoutError):
        line.connect(signer)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(line.connect, signer)
        start(line)
        waiting.result().close()


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: b"b")
    line = Line()
    with socket.socket(socket.AF_UNIX) as late, socket.socket(socket.AF_INET) as right:
        socket.send_fds(line.diallers, [b"a"], [late.fileno()])
        socket.send_fds(line.diallers, [b"b"], [right.fileno()])
        with line.connect(Path()) as connection:
            assert connection.family == socket.AF_INET


def test_one_that_misuses_its_line_troubles_nobody_else(
    start: Callable[..., int], tmp_path: Path, settings: pytest.FixtureRequest
) -> None:
    settings.SIGNER_SOCKET = tmp_path / "patient.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(settings.SIGNER_SOCKET))
    listener.listen(4096)
    flooding, closing, line = Line(), Line(), Line()
    pid = start(flooding, closing, line)
    flooding.ours.setblocking(False)
    for _ in range(2000):  # and never fetches an answer
        with contextlib.suppress(BlockingIOError):
            flooding.ours.send(b"x")
    closing.ours.shutdown(socket.SHUT_RDWR)
    line.connect(settings.SIGNER_SOCKET).close()
    wait_until(lambda: _sleeps(pid), 5, "the dialler at rest")
    listener.close()


def _sleeps(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_full_listen_queue_is_told_from_nobody(
    start: Callable[..., int],
    tmp_path: Path,
    settings: pytest.FixtureRequest,
) -> None:
    """The client tries again then."""
    settings.SIGNER_SOCKET = tmp_path / "full.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(settings.SIGNER_SOCKET))
        listener.listen(0)
        line = Line()
        start(line)
        with line.connect(settings.SIGNER_SOCKET), pytest.raises(BlockingIOError):
            line.connect(settings.SIGNER_SOCKET)
    with pytest.raises(ConnectionRefusedError):
        line.connect(settings.SIGNER_SOCKET)
