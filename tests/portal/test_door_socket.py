"""The door at a Unix socket, for a proxy in front: whose socket it is, and what comes in by it."""

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from portal import ports
from portal.ports import PortTrouble
from tests.portal.door_clients import Crowd
from tests.portal.door_hand import hand
from tests.portal.running import environment, sentence, up

OK = b"HTTP/1.1 200 OK\r\n"
SETTING = "LATCHKEY_DOOR_BIND"


@pytest.fixture
def place() -> Iterator[Path]:
    """A path for a socket: 107 bytes at most, so not under pytest's folder."""
    with tempfile.TemporaryDirectory(prefix="door") as folder:
        yield Path(folder) / "door.sock"


def test_user_and_group_may_connect_and_at_the_end_it_is_gone(place: Path) -> None:
    before = os.umask(0o022)
    try:
        listener = ports.listen_at(place, SETTING)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
    ports.close(listener)
    assert not place.exists()


def test_a_stale_one_is_replaced(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    ports.close(ports.listen_at(place, SETTING))


@pytest.mark.parametrize("backlog", [0, 5])
def test_a_living_one_is_not(place: Path, backlog: int) -> None:
    with socket.socket(socket.AF_UNIX) as other, contextlib.ExitStack() as stack:
        other.bind(str(place))
        other.listen(backlog)
        for _ in range(backlog == 0 and 1):  # its queue is full
            stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(place))
        with pytest.raises(PortTrouble, match="Another program listens at .* LATCHKEY_DOOR_BIND"):
            ports.listen_at(place, SETTING)
        assert place.exists()


def test_what_is_no_socket_stays(place: Path) -> None:
    place.write_text("precious")
    with pytest.raises(PortTrouble, match="is no socket"):
        ports.listen_at(place, SETTING)
    assert place.read_text() == "precious"


@pytest.mark.parametrize("name", ["missing/door.sock", "x" * 120])
def test_a_path_that_cannot_be_is_a_sentence(place: Path, name: str) -> None:
    with pytest.raises(PortTrouble, match="Cannot listen at .* LATCHKEY_DOOR_BIND"):
        ports.listen_at(place.parent / name, SETTING)


def through(place: Path, *lines: str, path: str = "/") -> bytes:
    """What comes back for a GET; b"" when the connection is closed without an answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(place))
        head = [f"GET {path} HTTP/1.1", "Host: portal.home.arpa", "Connection: close", *lines, "", ""]
        client.sendall("\r\n".join(head).encode())
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while more := client.recv(65536):
                got += more
    return got


def forwarded(client: Path) -> str:
    text = client.read_text()
    return "X-Latchkey-Client-Cert: " + quote(text[text.index("-----BEGIN CERTIFICATE") :])


@pytest.mark.slow
def test_all_of_it_runs_there_and_verifies_what_is_forwarded(tmp_path: Path, place: Path) -> None:
    (tmp_path / "clients").mkdir()
    bound = f"unix:{place}"
    with up(tmp_path / "data", LATCHKEY_DOOR_BIND=bound) as running, hand(running.env) as hands:
        crowd = Crowd(running, hands, tmp_path / "clients")
        phone = crowd.good()
        page = through(place, forwarded(phone))
        assert page.startswith(OK)
        assert b"; Secure" in page or b"Set-Cookie" not in page
        for lines in ([], ["X-Latchkey-Client-Cert: "], [forwarded(phone), forwarded(phone)]):
            assert through(place, *lines) == b""
        assert through(place, forwarded(crowd.odd("orphan", known=False))) == b""
        assert through(place, "Host: a", forwarded(phone)) == b""  # malformed
        crowd.revoke(phone)
        assert through(place, forwarded(phone)) == b""
        said = sentence("up", env=environment(tmp_path / "other", LATCHKEY_DOOR_BIND=bound))
        assert f"Another program listens at {place}" in said
    assert not place.exists()


@pytest.mark.slow
def test_a_proxy_with_many_requests_at_once_is_no_crowd(tmp_path: Path, place: Path) -> None:
    """All of them come from the one proxy; nobody is cut off for that."""
    (tmp_path / "clients").mkdir()
    with up(tmp_path / "data", LATCHKEY_DOOR_BIND=f"unix:{place}") as running, hand(running.env) as hands:
        line = forwarded(Crowd(running, hands, tmp_path / "clients").good())
        with contextlib.ExitStack() as stack:
            for _ in range(14):
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiting.connect(str(place))
                waiting.sendall(b"GET / HTTP/1.1\r\n")
            assert [through(place, line)[:17] for _ in range(20)] == [OK] * 20
