"""The socket: who may connect, and that no message can end or confuse the signer."""

import io
import json
import os
import socket
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from cryptography import x509
from django.conf import settings

from pki.errors import IssuanceRefused, SignerUnavailable
from pki.signer import client, server, wire
from pki.signer.home import StartRefused
from pki.signer.protocol import MAX_REQUEST, VERSION
from tests.pki.signer.makers import request


@pytest.fixture
def listening(service, tmp_path):
    """The real server in a thread of this process; gives its socket."""
    return attended(service, tmp_path / "signer.sock", frozenset({os.getuid()}))


def attended(service, path: Path, uids) -> Path:
    listener = server.listen(path, 0o600)
    threading.Thread(target=server.serve, args=(listener, service, uids), daemon=True).start()
    return path


def talk(path: Path, *parts: bytes) -> list[dict]:
    """Send bytes as they are, close our side, read whatever frames come back."""
    answers = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(10)
        channel.connect(str(path))
        for part in parts:
            channel.sendall(part)
        channel.shutdown(socket.SHUT_WR)
        while (answer := wire.receive(channel, 1 << 20, 10)) is not None:
            answers.append(answer)
    return answers


def frame(document: object) -> bytes:
    body = json.dumps(document).encode()
    return len(body).to_bytes(4, "big") + body


def test_a_certificate_comes_over_the_socket(service, listening):
    wanted = request()
    assert client.issue(listening, wanted) == service.issue(wanted)


def test_a_refusal_comes_over_the_socket_with_code_and_remedy(listening):
    with pytest.raises(IssuanceRefused) as refusal:
        client.issue(listening, request("tls-server", sans=("dns:bank.example",)))
    assert refusal.value.code == "san-outside"
    assert "LATCHKEY_HOSTS" in refusal.value.remedy


def test_a_rejected_csr_is_a_refusal_with_its_own_code(listening):
    with pytest.raises(IssuanceRefused) as refusal:
        client.issue(listening, request(der=b"not a CSR"))
    assert refusal.value.code == "not-a-csr"


def test_status_names_the_authorities_and_what_they_may_certify(listening):
    status = client.status(listening)
    assert status.uid == os.getuid()
    assert [authority.name for authority in status.authorities] == ["clients", "servers", "devices"]
    assert "dns:home.arpa" in status.authorities[1].permitted
    assert status.authorities[0].permitted == ()


def test_its_version_is_the_portals(listening):
    assert client.status(listening).version == settings.VERSION


def test_revocation_and_crl_come_over_the_socket(service, listening):
    wanted = request()
    client.issue(listening, wanted)
    serial = service.journal.find(wanted.request_id).serial
    moment = client.revoke(listening, "clients", serial, "superseded", "bob")
    assert client.revoke(listening, "clients", serial, "keyCompromise", "bob") == moment
    assert moment.tzinfo is not None
    issuing, root = io.BytesIO(), io.BytesIO()
    assert client.crl(listening, "clients", "ab" * 32, issuing, root) == service.journal.last_change(
        "clients"
    )
    assert x509.load_der_x509_crl(issuing.getvalue()).get_revoked_certificate_by_serial_number(
        int(serial, 16)
    )
    assert len(x509.load_der_x509_crl(root.getvalue())) == 0
    alone = io.BytesIO()
    client.crl(listening, "clients", "ab" * 32, alone, None)
    newer, older = (x509.load_der_x509_crl(file.getvalue()) for file in (alone, issuing))
    assert newer.issuer == older.issuer and newer.last_update_utc > older.last_update_utc


def test_several_requests_fit_into_one_connection(listening):
    question = frame({"v": VERSION, "op": "status"})
    assert len(talk(listening, question, question, question)) == 3


GARBAGE = {
    "text": b"GET ",  # 1.2 GB announced
    "longer than allowed": (MAX_REQUEST + 1).to_bytes(4, "big"),
    "4 GB announced": b"\xff\xff\xff\xff",
    "cut short": (100).to_bytes(4, "big") + b"{}",
    "cut in the length": b"\0\0",
    "not JSON": (3).to_bytes(4, "big") + b"{,}",
    "not UTF-8": (4).to_bytes(4, "big") + b'"\xff\xfe"',
    "nested": (MAX_REQUEST).to_bytes(4, "big") + b"[" * MAX_REQUEST,
    "a list": frame([1, 2]),
    "another version": frame({"v": 2, "op": "status"}),
    "no version": frame({"op": "status"}),
    "empty": (0).to_bytes(4, "big"),
}
NONSENSE = {
    "no operation": {},
    "unknown operation": {"op": "sign", "bytes": "AAAA"},
    "operation is a list": {"op": ["status"]},
    "issue nothing": {"op": "issue"},
    "issue a number": {"op": "issue", "request": 5},
    "empty request": {"op": "issue", "request": {}},
    "revoke nothing": {"op": "revoke"},
    "revoke a number": {"op": "revoke", "authority": 1, "serial": 2, "reason": 3, "by": 4},
    "revoke with a book": {
        "op": "revoke",
        "authority": "clients",
        "serial": "a" * 301,
        "reason": "x",
        "by": "y",
    },
    "crl without head": {"op": "crl", "authority": "clients"},
    "crl with half a head": {"op": "crl", "authority": "clients", "audit_head": "ab"},
    "crl with no head": {"op": "crl", "authority": "clients", "audit_head": "x" * 64},
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_gets_an_error_and_the_signer_lives_on(listening, name):
    answers = talk(listening, GARBAGE[name])
    assert [answer["error"]["kind"] for answer in answers] == ["malformed"]
    assert client.status(listening).version


@pytest.mark.parametrize("name", NONSENSE)
def test_a_message_that_makes_no_sense_gets_an_error_and_the_connection_lives_on(listening, name):
    good = frame({"v": VERSION, "op": "status"})
    nonsense, after = talk(listening, frame({"v": VERSION, **NONSENSE[name]}), good)
    assert nonsense["error"]["kind"] == "malformed"
    assert "ok" in after


@pytest.mark.parametrize(
    "changes",
    [
        {"days": "30"},
        {"days": True},
        {"sans": "dns:nas.local"},
        {"sans": [1]},
        {"csr": "*"},
        {"csr": 5},
        {"evidence": None},
        {"evidence": {"kind": "trust me"}},
        {"evidence": {"kind": ["csr"]}},
        {"evidence": {"kind": "service", "service": "portal", "more": 1}},
        {"is_ca": True},
    ],
)
def test_a_request_with_a_wrong_missing_or_unknown_field_is_malformed(listening, changes):
    document = {"v": VERSION, "op": "issue", "request": wire.from_request(request()) | changes}
    (answer,) = talk(listening, frame(document))
    assert answer["error"]["kind"] == "malformed"


def test_a_surrogate_in_a_name_is_refused_and_ends_nothing(listening):
    document = {
        "v": VERSION,
        "op": "issue",
        "request": wire.from_request(request()) | {"common_name": "\ud800"},
    }
    (answer,) = talk(listening, frame(document))
    assert answer["error"]["kind"] == "refused"


def test_a_connection_that_says_nothing_is_closed(listening, monkeypatch):
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
        channel.settimeout(5)
        channel.connect(str(listening))
        assert channel.recv(1) == b""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"\0\0\0\x20half"], ids=["nothing", "half a message"])
def test_two_hundred_connections_that_say_nothing_do_not_keep_a_request_waiting(listening, sent):
    with ExitStack() as stack:
        silent = []
        opened = threading.Event()

        def open_many() -> None:
            for _ in range(200):
                channel = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                channel.connect(str(listening))
                silent.append(channel)
                with suppress(BrokenPipeError):
                    channel.sendall(sent)
                if len(silent) == 130:
                    opened.set()

        crowd = threading.Thread(target=open_many, daemon=True)
        crowd.start()
        assert opened.wait(10)
        began = time.monotonic()
        assert client.status(listening).uid == os.getuid()
        assert time.monotonic() - began < 5
        crowd.join(10)
        assert len(silent) == 200
        assert client.status(listening).version


def test_another_user_is_not_answered(service, tmp_path):
    stranger = attended(service, tmp_path / "signer.sock", frozenset({os.getuid() + 1}))
    with pytest.raises(SignerUnavailable):
        client.status(stranger)


def test_a_thread_outlives_a_connection_that_it_could_not_accept(service, tmp_path, monkeypatch):
    """Without a descriptor to spare (EMFILE), for instance; the signer would live on and be silent."""
    monkeypatch.setattr(server, "PAUSE", 0)
    listener = server.listen(tmp_path / "signer.sock", 0o600)
    troubles = [OSError(24, "Too many open files"), OSError(103, "Software caused connection abort")]

    class Tired:
        fileno = listener.fileno

        def accept(self):
            if troubles:
                raise troubles.pop()
            return listener.accept()

    uids = frozenset({os.getuid()})
    several = (Tired(), service, uids, server.Silent())
    threading.Thread(target=server._attend, args=several, daemon=True).start()
    assert client.status(tmp_path / "signer.sock").uid == os.getuid()
    assert not troubles


def test_the_peers_uid_comes_from_the_kernel():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert server.peer_uid(ours) == os.getuid()


def test_trouble_inside_is_no_refusal_but_asks_to_come_again(listening, service, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(service.journal, "reserve", full)
    with pytest.raises(SignerUnavailable) as trouble:
        client.issue(listening, request())
    assert trouble.value.code == "failed"


def test_nobody_listening_is_signer_unavailable(tmp_path):
    with pytest.raises(SignerUnavailable) as trouble:
        client.status(tmp_path / "nothing.sock")
    assert trouble.value.remedy


def test_a_socket_path_longer_than_the_kernel_takes_works(service, tmp_path):
    folder = tmp_path / ("a" * 100) / ("b" * 100)
    path = attended(service, folder / "signer.sock", frozenset({os.getuid()}))
    assert len(str(path)) > 200
    assert client.status(path).version


def test_a_socket_that_a_dead_signer_left_is_replaced(service, tmp_path):
    path = tmp_path / "signer.sock"
    server.listen(path, 0o600).close()
    assert path.exists()
    assert client.status(attended(service, path, frozenset({os.getuid()}))).version


def test_a_socket_where_somebody_listens_is_left_alone(listening):
    with pytest.raises(StartRefused, match="Another program is listening"):
        server.listen(listening, 0o600)
    assert client.status(listening).version


def test_the_socket_is_ours_alone_unless_asked_otherwise(service, tmp_path):
    server.listen(tmp_path / "a.sock", 0o600).close()
    server.listen(tmp_path / "b.sock", 0o660).close()
    assert (tmp_path / "a.sock").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "b.sock").stat().st_mode & 0o777 == 0o660
