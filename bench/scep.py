"""SCEP enrolments per second of a processor, and memory, beside micromdm's scepserver in the same run.

Both are sent the same: a phone's first message (AES-128, SHA-256), an RSA-2048 key each, made beforehand, one
after the other over one connection: of several at once, scepserver refuses some. Not the same is what they do
with it. scepserver takes one challenge for all and writes plain files; it is put beside us with the CA key
that it makes by itself (RSA-4096), and with one of 2048 bits. We look up an approval, write journal,
certificate and audit trail, each flushed to the disk, check what is to be signed with two linters, and verify
and sign twice, in two processes.
"""

import http.client
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from bench.door_servers import cpu
from bench.start import pss
from pki import der, enveloped, scep, signed
from tests.pki.scep_client import Phone
from tests.pki.shapes import tlv
from tests.portal.door_hand import Hand, hand
from tests.portal.running import free_port, up, wait_until

COUNT, FIRST = 100, 10  # enrolments measured, and those before
SHA_256 = der.oid("2.16.840.1.101.3.4.2.1")
SUCCESS = tlv(der.PRINTABLE_STRING, b"0")  # the pkiStatus, which is in the clear
CHALLENGE = "a challenge for everybody"
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Server:
    url: str
    ra: x509.Certificate
    pids: Callable[[], set[int]]

    def messages(self, challenges: list[str]) -> list[bytes]:
        phones = [Phone(self.ra, name=f"bench {number}") for number in range(len(challenges))]
        csrs = [one.csr(text, f"{n}") for n, (one, text) in enumerate(zip(phones, challenges, strict=True))]
        return [message(phone, csr) for phone, csr in zip(phones, csrs, strict=True)]


def message(phone: Phone, csr: bytes) -> bytes:
    """In DER: scepserver takes the BER of phones for a forgery."""
    attributes = {
        scep.MESSAGE_TYPE: tlv(der.PRINTABLE_STRING, b"19"),
        scep.TRANSACTION_ID: tlv(der.PRINTABLE_STRING, phone.transaction.encode()),
        scep.SENDER_NONCE: der.octets(phone.nonce),
    }
    sealed = enveloped.seal(csr, phone.ra, enveloped.AES_128)
    return signed.sign(sealed, attributes, phone.key, phone.certificate, SHA_256)


@dataclass(frozen=True)
class Measured:
    per_core: float  # enrolments per second of processor time, all processes of the server together
    latency: float  # median, milliseconds
    memory: float  # PSS in MiB


def measure(server: Server, challenges: list[str]) -> Measured:
    sent = server.messages(challenges)
    enrol(server, sent[:FIRST])
    begun = sum(cpu(pid) for pid in server.pids())
    times = enrol(server, sent[FIRST:])
    spent = sum(cpu(pid) for pid in server.pids()) - begun
    memory = sum(pss(pid) for pid in server.pids()) / 1024
    return Measured(1000 * len(times) / spent, statistics.median(times), memory)


def enrol(server: Server, sent: list[bytes]) -> list[float]:
    """Milliseconds of each, one after the other."""
    where, times = urlsplit(server.url), []
    web = http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)
    for message in sent:
        begun = time.perf_counter()
        web.request("POST", f"{where.path}?operation=PKIOperation", message)
        answer = web.getresponse().read()
        times.append((time.perf_counter() - begun) * 1000)
        if SUCCESS not in answer:
            raise RuntimeError(f"an enrolment was refused: {answer[:80]!r}")
    return times


@contextmanager
def ours(folder: Path) -> Iterator[tuple[Server, Hand]]:
    with up(folder / "ours") as running, hand(running.env) as hands:
        url = f"http://{running.env['LATCHKEY_STATUS_BIND']}/scep/clients"
        found = pkcs7.load_der_pkcs7_certificates(running.status_face("/scep/clients?operation=GetCACert"))
        ra = next(one for one in found if isinstance(one.public_key(), rsa.RSAPublicKey))
        yield Server(url, ra, running.everybody), hands


@contextmanager
def micromdm(folder: Path, bits: int) -> Iterator[Server]:
    depot, port = folder / f"depot-{bits}", free_port()
    command = ["scepserver", "ca", "-init", "-depot", str(depot), "-keySize", str(bits)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    ra = x509.load_pem_x509_certificate((depot / "ca.pem").read_bytes())
    command = [
        "scepserver",
        "-depot",
        str(depot),
        "-port",
        str(port),
        "-challenge",
        CHALLENGE,
        "-allowrenew",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port), 10, "scepserver listens")
            yield Server(f"http://127.0.0.1:{port}/scep", ra, lambda: {process.pid})
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
    except OSError:
        return False
    return True


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as name:
        folder = Path(name)
        with ours(folder) as (server, hands):
            challenges = [
                hands("device", owner="alice", device=f"phone {n}")["challenge"] for n in range(FIRST + COUNT)
            ]
            mine = measure(server, challenges)
        found = [row("Latchkey", mine, mine)]
        for bits in (4096, 2048):
            with micromdm(folder, bits) as server:
                found.append(
                    row(
                        f"micromdm scepserver, CA key of {bits} bits",
                        measure(server, [CHALLENGE] * len(challenges)),
                        mine,
                    )
                )
    return found


def row(who: str, it: Measured, mine: Measured) -> Row:
    value = f"{it.per_core:.0f} per second of a core, {it.latency:.1f} ms, {it.memory:.0f} MiB"
    return f"SCEP enrolments: {who}", value, f"{mine.per_core / it.per_core:.2f}", ">= 1.5"
