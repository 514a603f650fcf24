"""The check face's process: every certificate gets in, and it runs only while people come."""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from portal import ports
from portal.children import Child
from portal.worker import QUIET, CheckWorker
from tests.portal.door_clients import (
    CASES,
    TLS_1_2,
    Caller,
    Crowd,
    foreign_ca,
    s_client,
    visit,
)
from tests.portal.running import Running, alive, up, wait_until

pytestmark = pytest.mark.slow

FINE, NONE = "Everything is fine", "No certificate arrived"
NOT_FOR_THIS = "The door does not take this one"
SAID = {
    "no certificate": NONE,
    "foreign CA": "Another certificate arrived",
    "self-made CA of the same name": NOT_FOR_THIS,
    "server certificate": NOT_FOR_THIS,
    "device certificate": NOT_FOR_THIS,
    "serverAuth from the clients CA": NOT_FOR_THIS,
    "not yet valid": "This certificate is not valid yet",
    "expired": "This certificate has ended",
    "revoked": "This certificate is revoked",
    "on hold": "This certificate is on hold",
    "no EKU": NOT_FOR_THIS,
    "orphan": NOT_FOR_THIS,
}


def answer(crowd: Crowd, client: Path | None) -> str:
    return visit(crowd.running.check_address, client, crowd.trust).decode()


@pytest.mark.parametrize("case", [case.name for case in CASES])
def test_whatever_the_door_refuses_is_explained(crowd: Crowd, case: str) -> None:
    found = answer(crowd, crowd.client(case))
    assert found.startswith("HTTP/1.1 200 OK\r\n")
    assert f"<h1>{SAID[case]}</h1>" in found


def test_a_live_one_is_fine_with_rsa_and_with_elliptic_curves(crowd: Crowd, phone: Path) -> None:
    for client in (phone, crowd.good("old phone", big=True)):
        assert f"<h1>{FINE}</h1>" in answer(crowd, client)
        assert FINE.encode() in s_client(crowd.running.check_address, client, crowd.trust)


def test_long_chains_and_huge_certificates_do_no_harm(crowd: Crowd, phone: Path) -> None:
    ca = foreign_ca("Chain")
    ca.along = ca.along * 9
    assert "Another certificate arrived" in answer(crowd, crowd.odd("long", ca, known=False))
    with contextlib.suppress(OSError):
        answer(crowd, crowd.odd("x" * 64, foreign_ca("y" * 64), known=False))
    assert FINE in answer(crowd, phone)


def test_only_tls_1_3_and_no_session_is_resumed(crowd: Crowd, phone: Path, tmp_path: Path) -> None:
    address = crowd.running.check_address
    assert visit(address, phone, crowd.trust, TLS_1_2) == b""
    first = Caller(address, phone, crowd.trust)
    assert FINE.encode() in first.ask()
    again = Caller(address, None, crowd.trust, before=first)
    assert not again.channel.session_reused
    assert FINE.encode() in again.ask()
    kept = tmp_path / "session"
    s_client(address, phone, crowd.trust, session_out=kept)
    assert NONE.encode() in s_client(address, None, crowd.trust, session_in=kept)


def test_each_look_is_a_connection_of_its_own(crowd: Crowd, phone: Path) -> None:
    caller = Caller(crowd.running.check_address, phone, crowd.trust)
    assert b"Connection: close" in caller.ask()
    assert caller.ask() == b""


def test_malformed_requests_and_handshakes_do_not_stop_it(crowd: Crowd, phone: Path) -> None:
    for begun in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00" + b"\0" * 512, b""):
        with socket.create_connection(crowd.running.check_address, timeout=10) as client:
            client.send(begun)
    for line in (b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"):
        caller = Caller(crowd.running.check_address, phone, crowd.trust)
        caller.channel.sendall(line)
        assert caller.channel.recv(100).startswith(b"HTTP/1.1 400")
        caller.close()
    assert FINE in answer(crowd, phone)
    assert "Traceback" not in crowd.running.said


def test_styles_come_from_the_face_itself(crowd: Crowd) -> None:
    caller = Caller(crowd.running.check_address, None, crowd.trust)
    assert b"200 OK" in caller.ask("/static/latchkey/latchkey.css")


def checking(running: Running) -> set[int]:
    """The process that listens, if it runs: the one child more."""
    port = running.check_address[1]
    inodes = {f"socket:[{inode}]" for table in ("tcp",) for inode in ports._listening_inodes(table, port)}
    return {pid for pid in running.children().values() if inodes & ports._open_files(Path(f"/proc/{pid}"))}


def test_its_process_starts_with_the_first_visitor_and_comes_back_after_an_accident(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        trust = running.data / "public/ca/servers-root.pem"
        assert not checking(running)
        assert NONE in visit(running.check_address, None, trust).decode()
        (first,) = checking(running)
        assert "NoNewPrivs:\t1" in Path(f"/proc/{first}/status").read_text()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not alive({first}), 5, "the end of it")
        assert NONE in visit(running.check_address, None, trust).decode()
        (second,) = checking(running)
        os.kill(second, signal.SIGTERM)  # as when nobody came for a while
        wait_until(lambda: not checking(running), 5, "its rest")
        assert f"pid={second}" not in running.said
        assert NONE in visit(running.check_address, None, trust).decode()


def test_a_child_that_waits_for_visitors_is_wanted_while_somebody_stands_there() -> None:
    listener = ports.listen("127.0.0.1", 0, "X")
    child = Child("check", lambda: 1, pid=1, started=time.monotonic(), only_for=listener)
    assert not child.is_wanted
    with socket.create_connection(listener.getsockname()) as visitor:
        visitor.send(b"x")
        wait_until(lambda: child.is_wanted, 5, "a visitor")
    assert child.rests(0)
    assert (child.pid, child.deaths) == (0, 0)
    assert not child.rests(1)
    assert Child("door", lambda: 1).is_wanted
    listener.close()


@pytest.mark.parametrize(
    ("visitors", "quiet", "runs"), [(0, QUIET + 1, False), (0, 1, True), (1, QUIET + 1, True)]
)
def test_it_rests_when_nobody_has_come_for_a_while(visitors: int, quiet: float, runs: bool) -> None:
    worker = CheckWorker.__new__(CheckWorker)
    worker.deadlines, worker.nr_conns, worker.alive = {}, visitors, True
    worker.look_at = 0.0
    worker.quiet_since = time.monotonic() - quiet
    worker.notify()
    assert worker.alive is runs
    assert visitors == 0 or time.monotonic() - worker.quiet_since < 1
