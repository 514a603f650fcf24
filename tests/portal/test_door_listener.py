"""The door's process: what it refuses everybody for, whom it answers nothing, and what it cannot reach."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from pki import builder
from portal import ports
from tests.portal.door_clients import CA, Caller, Crowd, foreign_ca, visit
from tests.portal.running import wait_until

pytestmark = pytest.mark.slow

OK = b"HTTP/1.1 200 OK\r\n"
HEADER = "X-Latchkey-Client-Cert"


@pytest.fixture
def connection(crowd: Crowd, phone: Path) -> Iterator[Caller]:
    """An open one, answered already."""
    caller = caller_of(crowd, phone)
    assert caller.ask().startswith(OK)
    yield caller
    caller.close()


def caller_of(crowd: Crowd, client: Path | None) -> Caller:
    return Caller(crowd.running.door_address, client, crowd.trust)


def answer(crowd: Crowd, client: Path | None) -> bytes:
    return visit(crowd.running.door_address, client, crowd.trust)


def empty_list(ca: CA, days: int, serials: Sequence[int] = ()) -> bytes:
    """A list of `ca` that ends (or ended) so many days from now; empty but for these serial numbers."""
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    lines = [x509.RevokedCertificateBuilder(serial, now, []).build() for serial in serials]
    start, end = now - timedelta(days=9), now + timedelta(days=days)
    made = x509.CertificateRevocationListBuilder(ca.certificate.subject, start, end, [], lines)
    made = made.add_extension(builder.issued_by(ca.certificate), False)
    signed = made.add_extension(x509.CRLNumber(1), False).sign(ca.key, hashes.SHA256())
    return signed.public_bytes(Encoding.DER)


DAMAGES: dict[str, tuple[str, Callable[[Crowd], bytes | None]]] = {
    "missing": ("clients.crl", lambda crowd: None),
    "garbled": ("clients.crl", lambda crowd: b"0\x82 garbled"),
    "empty": ("clients.crl", lambda crowd: b""),
    "expired": ("clients.crl", lambda crowd: empty_list(crowd.clients_ca(), -1)),
    "somebody else's": ("clients.crl", lambda crowd: empty_list(foreign_ca("else"), 1)),
    "forged": ("clients.crl", lambda crowd: empty_list(foreign_ca("", crowd.clients_ca().certificate), 1)),
    "the root's missing": ("clients-root.crl", lambda crowd: None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_a_good_list_everybody_is_refused_and_the_first_page_says_so(
    crowd: Crowd, phone: Path, connection: Caller, damage: str
) -> None:
    name, make = DAMAGES[damage]
    file, data = crowd.running.data / "public/crl" / name, make(crowd)
    before = file.read_bytes()
    try:
        file.unlink() if data is None else file.write_bytes(data)
        refused = caller_of(crowd, phone)
        assert refused.ask() == b""
        assert "ALERT" in refused.alert  # in the handshake
        assert (connection.ask(), connection.ask()) == (b"", b"")
        (said,) = [line for line in crowd.hand("problems")["said"] if line.startswith("Door: ")]
        assert "The door refuses everybody: " in said
        assert "within five minutes" in said
    finally:
        replaced(file, before)
    assert answer(crowd, phone).startswith(OK)
    assert not [line for line in crowd.hand("problems")["said"] if line.startswith("Door: ")]


def test_a_long_list_is_held_to_by_the_gate(crowd: Crowd, phone: Path) -> None:
    """Too long for OpenSSL to take with each handshake; the lines of others cost nobody anything."""
    file = crowd.running.data / "public/crl/clients.crl"
    other, before = crowd.good("beside the long list"), file.read_bytes()
    leaf = x509.load_pem_x509_certificates(phone.read_bytes())[0]
    numbers = [leaf.serial_number, *(x509.random_serial_number() for _ in range(12_000))]
    try:
        replaced(file, empty_list(crowd.clients_ca(), 1, numbers))
        assert answer(crowd, other).startswith(OK)
        refused = caller_of(crowd, phone)
        assert refused.ask() == b"" and not refused.alert
    finally:
        replaced(file, before)
    assert answer(crowd, phone).startswith(OK)


def replaced(file: Path, data: bytes) -> None:
    """Another file, whatever the clock's grain."""
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(data)
    os.replace(fresh, file)


def test_the_row_alone_decides_though_no_list_names_it(crowd: Crowd, phone: Path, connection: Caller) -> None:
    """The click is in force for the very next request, before any list is made."""
    try:
        crowd.hand("mark", id=crowd.ids[phone], revoked_at="2026-01-01T00:00:00Z", reason="superseded")
        assert connection.ask() == b""
        assert answer(crowd, phone) == b""
    finally:
        crowd.hand("mark", id=crowd.ids[phone], revoked_at=None, reason="")
    assert answer(crowd, phone).startswith(OK)


def test_an_account_that_is_switched_off_stands_outside(
    crowd: Crowd, phone: Path, connection: Caller
) -> None:
    crowd.hand("activate", name="alice", active=False)
    assert connection.ask() == b""
    assert answer(crowd, phone) == b""
    crowd.hand("activate", name="alice", active=True)
    assert answer(crowd, phone).startswith(OK)


def test_other_kinds_of_certificate_open_nothing(crowd: Crowd) -> None:
    file = crowd.odd("a kind to come")
    assert answer(crowd, file).startswith(OK)
    crowd.hand("mark", id=crowd.ids[file], profile="smime")
    assert answer(crowd, file) == b""


def test_in_process_nobody_reads_the_forwarded_certificate(crowd: Crowd, phone: Path) -> None:
    tablet = crowd.good("tablet", owner="carol")
    crowd.hand("activate", name="carol", active=False)
    orphan = crowd.odd("orphan", known=False)
    for stranger in (tablet, orphan):
        caller = caller_of(crowd, stranger)
        assert caller.ask("/", f"{HEADER}: {escaped(phone)}", "X-Real-IP: 127.0.0.1") == b""
    for other in (tablet, orphan):
        assert caller_of(crowd, phone).ask("/", f"{HEADER}: {escaped(other)}").startswith(OK)


def escaped(client: Path) -> str:
    """As a proxy forwards it."""
    text = client.read_text()
    return quote(text[text.index("-----BEGIN CERTIFICATE") :])


def test_who_may_not_come_in_hears_not_even_that_a_request_is_malformed(crowd: Crowd, phone: Path) -> None:
    waiting = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    for bad in (b"rubbish\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", waiting):
        assert said_to(caller_of(crowd, crowd.odd("orphan", known=False)), bad) == b""
    assert said_to(caller_of(crowd, phone), b"rubbish\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert said_to(caller_of(crowd, phone), waiting).startswith(b"HTTP/1.1 100 ")


def said_to(caller: Caller, request: bytes) -> bytes:
    try:
        caller.channel.sendall(request)
        return caller.channel.recv(1000)
    except OSError:
        return b""
    finally:
        caller.close()


def test_a_form_without_its_token_is_a_422(crowd: Crowd, connection: Caller) -> None:
    """Never a 403: Safari takes that for a refused certificate."""
    lines = ["POST /doors/front/open HTTP/1.1", f"Host: {connection.host}", "Content-Length: 0", "", ""]
    connection.channel.sendall("\r\n".join(lines).encode())
    assert connection.channel.recv(20).startswith(b"HTTP/1.1 422 ")


def test_the_log_names_ours_that_do_not_count_once_and_no_strangers(crowd: Crowd) -> None:
    before = crowd.running.said.count("refused=")
    orphan = crowd.odd("orphan", known=False)
    for _ in range(3):
        assert answer(crowd, orphan) == b""
    answer(crowd, crowd.odd("foreign", foreign_ca("else"), known=False))
    answer(crowd, None)
    serial = x509.load_pem_x509_certificate(orphan.read_bytes()).serial_number
    line = f"refused=orphan address=127.0.0.1 The certificate {serial:x} is signed by our CA"
    wait_until(lambda: line in crowd.running.said, 5, line)
    assert crowd.running.said.count("refused=") == before + 1


def door_process(crowd: Crowd) -> int:
    """Whoever has the door's listener open, and is not its parent."""
    (inode,) = ports._listening_inodes("tcp", crowd.running.door_address[1])
    children = crowd.running.children().values()
    (found,) = [pid for pid in children if f"socket:[{inode}]" in ports._open_files(Path(f"/proc/{pid}"))]
    return found


def test_its_process_has_no_way_to_the_signer(crowd: Crowd) -> None:
    pid = door_process(crowd)
    # No Unix socket at all: neither a line to the dialler nor a connection.
    unix = {line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines()[1:]}
    held = {name.removeprefix("socket:[").rstrip("]") for name in ports._open_files(Path(f"/proc/{pid}"))}
    assert not held & unix
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from pki.errors import SignerUnavailable\n"
        "from pki.signer import client\n"
        "from portal import confinement\n"
        "confinement.enter()\n"
        "journal = settings.SIGNER_DIR / 'journal.sqlite3'\n"
        "for ask in (lambda: client.status(settings.SIGNER_SOCKET), lambda: open(journal)):\n"
        "    try: ask()\n"
        "    except (SignerUnavailable, PermissionError): print('no')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=crowd.running.env | {"PYTHONPATH": str(settings.BASE_DIR)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout == "no\nno\n", done.stderr


def test_killed_it_is_missed_and_comes_back(crowd: Crowd, phone: Path) -> None:
    before = door_process(crowd)
    os.kill(before, 9)
    wait_until(lambda: answer(crowd, phone).startswith(OK), 10, "the door opens again")
    assert door_process(crowd) != before
    assert crowd.hand("problems")["up"] == 1
