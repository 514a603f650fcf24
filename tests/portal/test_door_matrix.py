"""The door in process: nobody without a live certificate gets a byte, however they come.

{every kind of client that must stay out} x {NEW, RES, KEPT} x {TLS 1.2, 1.3}, with Python and openssl.
"""

import ssl
from pathlib import Path

import pytest

from tests.portal.door_clients import (
    CASES,
    NEVER_IN,
    TLS_1_2,
    TLS_1_3,
    Caller,
    Case,
    Crowd,
    s_client,
    visit,
)

pytestmark = pytest.mark.slow

OK = b"HTTP/1.1 200 OK\r\n"
VERSIONS = pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3], ids=["TLS 1.2", "TLS 1.3"])
MATRIX = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_a_live_certificate_gets_in_by_tls_1_3_only(crowd: Crowd, phone: Path) -> None:
    address = crowd.running.door_address
    for come in (visit, s_client):
        assert come(address, phone, crowd.trust, TLS_1_3).startswith(OK)
        assert come(address, phone, crowd.trust, TLS_1_2) == b""
        assert come(address, crowd.good("big", big=True), crowd.trust).startswith(OK)


@MATRIX
@VERSIONS
def test_new(crowd: Crowd, case: Case, version: ssl.TLSVersion) -> None:
    client = crowd.client(case.name)
    assert visit(crowd.running.door_address, client, crowd.trust, version) == b""
    assert s_client(crowd.running.door_address, client, crowd.trust, version) == b""


@MATRIX
def test_how_far_they_come(crowd: Crowd, case: Case) -> None:
    """An alert says that TLS refused them; without one it was the gate that closed the connection."""
    connection = _caller(crowd, crowd.client(case.name), TLS_1_3)
    assert connection is not None
    assert connection.ask() == b""
    assert ("ALERT" not in connection.alert) == case.handshake, connection.alert


@MATRIX
@VERSIONS
def test_res(crowd: Crowd, case: Case, version: ssl.TLSVersion, tmp_path: Path) -> None:
    """With whatever session an earlier connection left; the door leaves none."""
    address, session = crowd.running.door_address, tmp_path / "session"
    client, turn = crowd.turning(case.name)
    before = s_client(address, client, crowd.trust, version, session_out=session)
    earlier = _caller(crowd, client, version)
    live = version == TLS_1_3 and case.kept != NEVER_IN and not case.handshake
    assert before.startswith(OK) if live else before == b""
    if earlier:
        assert earlier.ask().startswith(OK) if live else earlier.ask() == b""
    turn()
    assert s_client(address, client, crowd.trust, version, session_in=session) == b""
    assert not session.exists() or b"BEGIN" not in session.read_bytes()
    if earlier:
        assert not (earlier.channel.session and earlier.channel.session.has_ticket)
        assert visit(address, client, crowd.trust, version, before=earlier) == b""
        earlier.close()


@MATRIX
@VERSIONS
def test_kept(crowd: Crowd, case: Case, version: ssl.TLSVersion) -> None:
    client, turn = crowd.turning(case.name)
    connection = _caller(crowd, client, version)
    if version == TLS_1_2:
        assert connection is None
        return
    if case.kept == NEVER_IN or case.handshake:
        assert connection is None or (connection.ask(), connection.ask()) == (b"", b""), case.kept
        return
    assert connection is not None
    assert connection.ask().startswith(OK)
    assert connection.ask().startswith(OK)  # kept it is
    turn()
    assert (connection.ask(), connection.ask()) == (b"", b"")
    connection.close()


def _caller(crowd: Crowd, client: Path | None, version: ssl.TLSVersion) -> Caller | None:
    """An open connection; None when TLS 1.2 was refused. TLS 1.3 tells its clients later than that."""
    try:
        return Caller(crowd.running.door_address, client, crowd.trust, version)
    except OSError:
        return None
