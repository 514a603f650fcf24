"""The door behind a real nginx, with the configuration that we give away: who gets through, and who does not.

nginx answers some of the refused with its own page 400, before they are anywhere near the door. Nobody of
them gets a byte that came from the door.
"""

import re
import socket
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

import pytest

from tests.portal.door_clients import (
    CASES,
    NEVER_IN,
    TLS_1_2,
    TLS_1_3,
    Caller,
    Case,
    Crowd,
    client_context,
    s_client,
)
from tests.portal.door_clients import visit as visit_with_python
from tests.portal.door_hand import hand
from tests.portal.nginx import door_block, nginx
from tests.portal.running import free_port, up, wait_until

pytestmark = pytest.mark.slow
VERSIONS = {"TLS 1.2": TLS_1_2, "TLS 1.3": TLS_1_3}
VISITS: dict[str, Callable[..., bytes]] = {"python": visit_with_python, "openssl": s_client}
HEADER = "X-Latchkey-Client-Cert"

# What somebody might add to nginx: another site that reaches the same door, as docs/nginx.md allows it.
OTHER_SITE = """
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://latchkey_door;
        proxy_set_header Host $http_host;
        proxy_set_header X-Latchkey-Client-Cert "";
    }}
}}
"""


class Front(NamedTuple):
    """nginx in front of a door. Ports: as we give it away; weakened by hand; another site, plain HTTP."""

    crowd: Crowd
    socket: Path
    port: int
    weak: int
    other: int

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def trust(self) -> Path:
        return self.crowd.trust


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("behind")
    (folder / "door").mkdir()
    (folder / "clients").mkdir()
    door = folder / "door" / "door.sock"
    port, weak, other = free_port(), free_port(), free_port()
    with up(folder / "data", LATCHKEY_DOOR_BIND=f"unix:{door}") as running, hand(running.env) as inside:
        given = door_block(running.data, door, port)
        server = given[given.index("\nserver {") :].replace(f":{port}", f":{weak}")
        server = server.replace("ssl_verify_client on;", "ssl_verify_client optional;")
        with nginx(folder / "nginx", given + server + OTHER_SITE.format(port=other), port):
            yield Front(Crowd(running, inside, folder / "clients"), door, port, weak, other)


@pytest.fixture(scope="module")
def alice(front: Front) -> Path:
    """A live device of alice."""
    return front.crowd.good("phone", "alice")


@pytest.fixture(scope="module")
def refused(front: Front) -> Callable[[str], Path | None]:
    """The client of a case, made once."""
    made: dict[str, Path | None] = {}

    def client(name: str) -> Path | None:
        if name not in made:
            made[name] = front.crowd.client(name)
        return made[name]

    return client


def from_the_door(answer: bytes) -> bool:
    """Whether any of it was written by the door: nginx's own pages for certificates are all that is not."""
    return bool(answer) and not (
        answer.startswith(b"HTTP/1.1 400 ")
        and b"\r\nServer: nginx\r\n" in answer
        and b"certificate" in answer
    )


def test_who_has_a_live_certificate_gets_the_page(front: Front, alice: Path) -> None:
    for visit in VISITS.values():
        answer = visit(front.address, alice, front.trust)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert b"Practice door" in answer


def test_a_large_key_fits_into_the_header(front: Front) -> None:
    assert b"Practice door" in visit_with_python(
        front.address, front.crowd.good("old computer", big=True), front.trust
    )


def test_the_names_of_the_acceptable_authorities_are_sent(front: Front) -> None:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{front.port}", "-servername", "localhost"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    names = done.stdout.partition("Acceptable client certificate CA names")[2].partition("Requested")[0]
    assert "clients CA" in names
    assert "clients root" in names


@pytest.mark.parametrize("tool", VISITS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_on_a_new_connection_nobody_else_gets_a_byte(
    front: Front, refused: Callable[[str], Path | None], case: Case, version: str, tool: str
) -> None:
    answer = VISITS[tool](front.address, refused(case.name), front.trust, VERSIONS[version])
    assert not from_the_door(answer), answer
    if version == "TLS 1.2":
        assert answer == b""


def test_tls_1_2_is_spoken_to_nobody(front: Front, alice: Path) -> None:
    assert all(visit(front.address, alice, front.trust, TLS_1_2) == b"" for visit in VISITS.values())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_neither_an_open_connection_nor_a_session_helps_them(
    front: Front, case: Case, version: str, tmp_path: Path
) -> None:
    """KEPT and RES: connected while they were let in, where they ever were."""
    client, turn = front.crowd.turning(case.name)
    live = version == "TLS 1.3" and case.kept != NEVER_IN and not case.handshake
    trust, speak, session = front.trust, VERSIONS[version], tmp_path / "session"
    before = s_client(front.address, client, trust, speak, session_out=session)
    kept = Caller(front.address, client, trust, speak) if version == "TLS 1.3" else None
    assert from_the_door(before) == live, before
    assert kept is None or from_the_door(kept.ask()) == live
    turn()
    answers = [s_client(front.address, client, trust, speak, session_in=session)]
    if kept:
        answers += [kept.ask(), visit_with_python(front.address, client, trust, speak, before=kept)]
        kept.close()
    assert not any(from_the_door(answer) for answer in answers), answers


@pytest.mark.parametrize("reason", ["keyCompromise", "certificateHold"])
def test_revoked_counts_for_the_very_next_request(front: Front, tmp_path: Path, reason: str) -> None:
    """On an open connection, on a resumed session and on a new one."""
    device = front.crowd.good(f"lost {reason}")
    kept, session = Caller(front.address, device, front.trust), tmp_path / "session"
    assert b"Practice door" in kept.ask()
    assert b"Practice door" in s_client(front.address, device, front.trust, session_out=session)
    front.crowd.revoke(device, reason)
    assert kept.ask() == b""
    assert visit_with_python(front.address, device, front.trust, before=kept) == b""
    assert s_client(front.address, device, front.trust, session_in=session) == b""
    assert visit_with_python(front.address, device, front.trust) == b""
    kept.close()


def test_no_session_is_ever_resumed(front: Front, alice: Path) -> None:
    first = Caller(front.address, alice, front.trust)
    first.ask()
    second = Caller(front.address, alice, front.trust, before=first)
    assert b"Practice door" in second.ask()
    assert not second.channel.session_reused
    first.close()
    second.close()


def test_one_that_ends_while_it_is_connected_is_not_answered_any_more(front: Front) -> None:
    device = front.crowd.odd("short-lived", end=timedelta(seconds=4))
    kept = Caller(front.address, device, front.trust)
    assert b"Practice door" in kept.ask()
    wait_until(lambda: kept.ask() == b"", 15, "its end is noticed")
    assert not from_the_door(visit_with_python(front.address, device, front.trust))
    kept.close()


def test_an_account_that_is_switched_off_is_not_answered_any_more(front: Front) -> None:
    device = front.crowd.good("tablet", "charlie")
    kept = Caller(front.address, device, front.trust)
    assert b"Practice door" in kept.ask()
    front.crowd.hand("activate", name="charlie", active=False)
    assert kept.ask() == b""
    assert visit_with_python(front.address, device, front.trust) == b""
    kept.close()


# A live certificate is no secret: what follows tries to be alice with hers, without its key.


def forged(alice: Path) -> str:
    """Her certificate as nginx writes it into the header."""
    leaf = alice.read_text().partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0]
    return quote(f"-----BEGIN CERTIFICATE-----{leaf}-----END CERTIFICATE-----\n", safe="")


def get(*lines: str, path: str = "/", version: str = "1.1") -> bytes:
    ends = () if any(line.startswith("Connection") for line in lines) else ("Connection: close",)
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: localhost", *ends, *lines, "", ""]).encode()


def smuggled(value: str) -> bytes:
    """A second request in what one of two servers might take for the body of the first."""
    inner = get(f"{HEADER}: {value}")
    head = ["POST / HTTP/1.1", "Host: localhost", f"Content-Length: {len(inner) + 5}"]
    return "\r\n".join([*head, "Transfer-Encoding: chunked", "", "0", "", ""]).encode() + inner


def in_a_trailer(value: str) -> bytes:
    head = [
        "POST / HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Transfer-Encoding: chunked",
        f"Trailer: {HEADER}",
    ]
    return "\r\n".join([*head, "", "0", f"{HEADER}: {value}", "", ""]).encode()


SPOOFS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda value: get(f"{HEADER}: {value}"),
    "in other letters": lambda value: get(f"x-latchkey-CLIENT-cert: {value}"),
    "with underscores": lambda value: get(f"X_Latchkey_Client_Cert: {value}", f"HTTP_{HEADER}: {value}"),
    "twice": lambda value: get(f"{HEADER}: {value}", f"{HEADER}: {value}"),
    "in a folded line": lambda value: get(
        "X-Other: a", f" {HEADER}: {value}", f"X-More: b\n{HEADER}: {value}"
    ),
    "with a blank before the colon": lambda value: get(f"{HEADER} : {value}", f"{HEADER}\t: {value}"),
    "in a trailer": in_a_trailer,
    "named in Connection": lambda value: get(f"Connection: close, {HEADER}", f"{HEADER}: {value}"),
    "in HTTP/1.0": lambda value: get(f"{HEADER}: {value}", version="1.0"),
    "in a second request inside the first": smuggled,
}


def send(port: int, data: bytes, trust: Path, client: Path | None = None, *, plain: bool = False) -> bytes:
    """Everything that comes back until the other side has no more to say."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as wire:
        channel = wire
        if not plain:
            channel = client_context(client, trust, TLS_1_3).wrap_socket(wire, server_hostname="localhost")
        try:
            channel.sendall(data)
            while more := channel.recv(65536):
                got += more
        except (ssl.SSLError, OSError):
            pass  # refused, or kept open and silent
        finally:
            channel.close()
    return got


@pytest.fixture(scope="module")
def carol(front: Front) -> Path:
    """A live device of somebody else, who never pressed anything."""
    return front.crowd.good("laptop", "carol")


@pytest.fixture(scope="module")
def pressed(front: Front, alice: Path) -> bytes:
    """The address of a press, which only alice's own history tells."""
    token = "t" * 32
    form = urlencode({"csrfmiddlewaretoken": token, "token": "3f3e8f9e-0d5b-4b0c-9b1e-2f6f4b8a7c11"})
    lines = [f"Cookie: __Host-latchkey-door={token}", f"Origin: https://localhost:{front.port}"]
    lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    head = [
        "POST /doors/practice/open HTTP/1.1",
        f"Host: localhost:{front.port}",
        "Connection: close",
        *lines,
    ]
    answer = send(front.port, ("\r\n".join([*head, "", ""]) + form).encode(), front.trust, alice)
    found = re.search(rb"\r\nLocation: (/presses/\S+)", answer)
    assert found, answer
    assert found[1] in send(front.port, get(path="/history"), front.trust, alice)
    return found[1]


@pytest.mark.parametrize("spoof", SPOOFS)
def test_nobody_gets_in_by_writing_the_header(front: Front, alice: Path, spoof: str) -> None:
    data = SPOOFS[spoof](forged(alice))
    for port, plain in ((front.port, False), (front.weak, False), (front.other, True)):
        answer = send(port, data, front.trust, plain=plain)
        assert b"door" not in answer.lower(), answer


@pytest.mark.parametrize("spoof", SPOOFS)
def test_nobody_becomes_somebody_else_by_writing_it(
    front: Front, alice: Path, carol: Path, pressed: bytes, spoof: str
) -> None:
    data = SPOOFS[spoof](forged(alice)).replace(b" / HTTP", b" /history HTTP")
    for port in (front.port, front.weak):
        assert pressed not in send(port, data, front.trust, carol)


def test_the_socket_believes_whoever_reaches_it_so_only_its_group_does(front: Front, alice: Path) -> None:
    assert stat.S_IMODE(front.socket.stat().st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as direct:
        direct.settimeout(5)
        direct.connect(str(front.socket))
        direct.sendall(get(f"{HEADER}: {forged(alice)}"))
        assert direct.recv(65536).startswith(b"HTTP/1.1 200 "), "else the forgeries above prove nothing"
