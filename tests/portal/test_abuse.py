"""What strangers and clumsy clients send to the real server: an answer, little memory, others are served."""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.pki.bad_csrs import BAD
from tests.portal.running import Running, free_port, secured, up
from tests.portal.visitor import Visitor, signed_in

pytestmark = pytest.mark.slow

MIB = 1 << 20
ELSEWHERE = ("127.0.0.2", 0)  # where those who behave badly come from
PIECE = 1 << 16
PLACES = 1000  # connections of a face (gunicorn, worker_connections)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A requester of the demo, whose portal has answered all that is asked below once before."""
    data = tmp_path_factory.mktemp("abuse") / "data"
    with up(data, "demo", LATCHKEY_DOOR_BIND=f"127.0.0.1:{free_port()}") as running:
        one = signed_in(running)
        for _ in range(20):
            assert one.ask("GET", "/requests/new")[0] == 200
            assert post(one, b"x" * 60_000)[:12] == b"HTTP/1.1 422"
        yield one
        assert "Traceback" not in running.said


def forget_peaks(running: Running) -> dict[int, int]:
    """Begin the peaks anew at what is used now: else a login's scrypt hides 16 MiB (proc(5): clear_refs)."""
    for pid in running.main_processes():
        with suppress(PermissionError):  # the signer, unless we are root
            Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peaks(running)


def peaks(running: Running) -> dict[int, int]:
    """The most memory that each process ever had, in bytes (VmHWM of proc(5))."""
    found = {}
    for pid in running.main_processes():
        (line,) = [
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")
        ]
        found[pid] = int(line.split()[1]) * 1024
    return found


def exchange(running: Running, pieces: Iterable[bytes]) -> bytes:
    """Send until all is sent or an answer comes; the beginning of that answer."""
    with secured(running) as secure:
        for piece in pieces:
            try:
                secure.sendall(piece)
            except OSError:
                break
            if answer := early(secure):
                return answer
        return secure.recv(PIECE)


def early(secure: ssl.SSLSocket) -> bytes:
    """What has come already; TLS itself sends something too, so that `select` would not tell."""
    secure.setblocking(False)
    try:
        return secure.recv(PIECE)
    except ssl.SSLWantReadError:
        return b""
    finally:
        secure.settimeout(10)


def cut(data: bytes) -> Iterator[bytes]:
    return (data[at : at + PIECE] for at in range(0, len(data), PIECE))


def post(visitor: Visitor, file: bytes) -> bytes:
    """A file to the submit page, as a browser sends it."""
    token = visitor.token("/requests/new")
    begin = b'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n' + token.encode()
    begin += b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.csr"\r\n\r\n'
    end = b"\r\n--x--\r\n"
    length = str(len(begin) + len(file) + len(end))
    kind = "multipart/form-data; boundary=x"
    head = visitor.head("POST", "/requests/new", Content_Type=kind, Content_Length=length)
    return exchange(visitor.running, (head + begin, *cut(file), end))


def is_served(visitor: Visitor) -> bool:
    began = time.monotonic()
    answered = visitor.ask("GET", "/login")[0] in (200, 302)
    return answered and time.monotonic() - began < 3


HUGE = (
    "100 MB",
    "a million BEGIN lines",
    "200,000 names",
    "20,000 nested sequences",
    "10,000 nested sequences",
)


@pytest.mark.parametrize("title", HUGE)
def test_a_huge_file_gets_its_answer_at_once_and_takes_no_memory(visitor: Visitor, title: str) -> None:
    data, before = BAD[title](), forget_peaks(visitor.running)
    began = time.monotonic()
    status = int(post(visitor, data).split()[1])
    took = time.monotonic() - began
    after = peaks(visitor.running)
    assert after.keys() == before.keys()
    grown = max(after[pid] - before[pid] for pid in after)
    print(f"{title}: {status} after {took:.2f} s, {grown / MIB:.1f} MiB more")
    assert status == (413 if len(data) > 256 * 1024 else 422)
    assert grown <= 20 * MIB
    assert is_served(visitor)


def test_many_huge_files_at_once_take_no_memory_either(visitor: Visitor) -> None:
    before = forget_peaks(visitor.running)
    head = visitor.head(
        "POST", "/requests/new", Content_Type="multipart/form-data; boundary=x", Content_Length=str(100 * MIB)
    )
    for _ in range(20):
        assert exchange(visitor.running, (head, *[bytes(PIECE)] * 4)).split()[1] == b"413"
    after = peaks(visitor.running)
    assert max(after[pid] - before[pid] for pid in after) <= 20 * MIB


def test_a_body_in_chunks_without_a_length_is_not_collected(visitor: Visitor) -> None:
    before = forget_peaks(visitor.running)
    kind = "multipart/form-data; boundary=x"
    head = visitor.head("POST", "/requests/new", Content_Type=kind, Transfer_Encoding="chunked")
    chunk = b"10000\r\n" + bytes(PIECE) + b"\r\n"
    answer = exchange(visitor.running, (head, *[chunk] * 1600))
    assert answer.startswith(b"HTTP/1.1 4")
    after = peaks(visitor.running)
    assert max(after[pid] - before[pid] for pid in after) <= 20 * MIB
    assert is_served(visitor)


ODD: dict[str, Callable[[Visitor], bytes]] = {
    "garbage": lambda visitor: b"\0\xff" * 5000 + b"\r\n\r\n",
    "no HTTP": lambda visitor: b"HELO portal\r\n\r\n",
    "another Host": lambda visitor: visitor.head("GET", "/login", Host="evil.example"),
    "a Host with control characters": lambda visitor: visitor.head("GET", "/login", Host="a\x1b[31m\x07"),
    "two Hosts": lambda visitor: visitor.head("GET", "/login", Hos_t="x").replace(b"Hos-t", b"Host"),
    "a huge header": lambda visitor: visitor.head("GET", "/login", X_Long="a" * 100_000),
    "many headers": lambda visitor: visitor.head("GET", "/login", **{f"X_{n}": "1" for n in range(1000)}),
    "a huge address": lambda visitor: visitor.head("GET", "/" + "a" * 100_000),
    "a header over several lines": lambda visitor: visitor.head("GET", "/login", X_Folded="a\r\n b"),
    "length and chunks": lambda visitor: visitor.head(
        "POST", "/login", Content_Length="5", Transfer_Encoding="chunked"
    ),
    "a length that is none": lambda visitor: visitor.head("POST", "/login", Content_Length="-1"),
    "a chunk that is none": lambda visitor: (
        visitor.head("POST", "/login", Transfer_Encoding="chunked") + b"xyz\r\n\r\n"
    ),
    "an underscore for a hyphen": lambda visitor: visitor.head("GET", "/login").replace(
        b"Origin", b"X_Forwarded_For: 1\r\nOrigin"
    ),
}


@pytest.mark.parametrize("title", ODD)
def test_odd_http_is_refused_and_others_are_served(visitor: Visitor, title: str) -> None:
    status = exchange(visitor.running, [ODD[title](visitor)]).split()[1:2]
    assert status in ([b"400"], [b"403"], [b"414"], [b"431"]) or title == "an underscore for a hyphen"
    assert is_served(visitor)


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\0" * 5000, b"\x16\x03\x01\xff\xff"]
)
def test_what_is_no_tls_is_dropped_and_others_are_served(visitor: Visitor, sent: bytes) -> None:
    with socket.create_connection(visitor.running.address, timeout=10, source_address=ELSEWHERE) as client:
        client.sendall(sent)
        assert is_served(visitor)
        with suppress(ConnectionResetError):
            assert not client.recv(PIECE).startswith(b"HTTP/1.1 200")


def slow(
    stack: ExitStack, running: Running, source: str = ELSEWHERE[0], seconds: float = 10
) -> ssl.SSLSocket:
    """A TLS connection from elsewhere."""
    plain = stack.enter_context(
        socket.create_connection(running.address, timeout=seconds, source_address=(source, 0))
    )
    return stack.enter_context(running.context().wrap_socket(plain, server_hostname="localhost"))


@pytest.mark.parametrize("begun", ["a head", "a body"])
def test_clients_that_never_finish_do_not_stop_the_others(visitor: Visitor, begun: str) -> None:
    kind = "application/x-www-form-urlencoded"
    whole = visitor.head("POST", "/login", Content_Type=kind, Content_Length="1000")
    with ExitStack() as stack:
        clients = []
        for _ in range(24):
            try:
                client = slow(stack, visitor.running)
                client.sendall(whole if begun == "a body" else whole[:-10])
            except OSError:  # one too many of the same address: turned away
                continue
            clients.append(client)
        for _ in range(3):
            assert is_served(visitor)
            for client in clients:
                try:
                    client.sendall(b"x")
                except OSError:
                    continue
            time.sleep(0.5)


@pytest.mark.parametrize("begun", [b"\x16\x03\x01", b""], ids=["half handshakes", "half bodies"])
def test_three_addresses_together_do_not_stop_a_fourth(visitor: Visitor, begun: bytes) -> None:
    kind = "application/x-www-form-urlencoded"
    head = visitor.head("POST", "/login", Content_Type=kind, Content_Length="1000")
    another = Visitor(visitor.running, source="127.0.0.4")
    with ExitStack() as stack:
        for n in range(48):
            source = f"127.0.0.{n % 3 + 1}"
            try:
                if begun:
                    plain = socket.create_connection(visitor.running.address, 2, (source, 0))
                    stack.enter_context(plain).sendall(begun)
                else:
                    slow(stack, visitor.running, source, seconds=2).sendall(head)
            except TimeoutError:  # all threads are taken
                break
            except OSError:  # one too many of the same address: turned away
                continue
        for _ in range(3):
            assert is_served(another)


def test_a_client_that_waits_for_our_word_before_it_sends_gets_it_once(visitor: Visitor) -> None:
    body = b"csrfmiddlewaretoken=x"
    head = visitor.head(
        "POST",
        "/login",
        Content_Type="application/x-www-form-urlencoded",
        Content_Length=str(len(body)),
        Expect="100-continue",
    )
    with secured(visitor.running) as secure:
        secure.sendall(head)
        assert secure.recv(PIECE) == b"HTTP/1.1 100 Continue\r\n\r\n"
        secure.sendall(body)
        assert secure.recv(PIECE).startswith(b"HTTP/1.1 403")


def test_who_leaves_after_an_answer_leaves_a_place_for_others(visitor: Visitor) -> None:
    """One more than the places a face has; each keeps its connection, and goes."""
    host, _, port = visitor.running.env["LATCHKEY_STATUS_BIND"].rpartition(":")
    for _ in range(PLACES + 1):
        with socket.create_connection((host, int(port)), timeout=5) as plain:
            plain.sendall(b"GET /crl/clients.crl HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert plain.recv(PIECE).startswith(b"HTTP/1.1 200 ")
