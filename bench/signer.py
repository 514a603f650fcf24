"""Certificates per second: through the signer against bare cryptography doing what cannot be left out.

Beside bare alone the ratio says more about the machine than about the signer: a faster processor signs
faster, but a flush to the disk, which each issue needs before the key is touched, takes as long as before. So
the same is put beside bare cryptography with that one flush too; this ratio holds from machine to machine.
"""

import contextlib
import hashlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki import builder
from pki.profiles import PROFILES
from pki.signer import client
from pki.signer.protocol import CsrEvidence, IssuanceRequest

TOP = Path(__file__).resolve().parent.parent
ROUNDS, BATCH = 9, 60
STATUS_URL = "http://portal.home.arpa:8080"
PROFILE = PROFILES["tls-client"]
CA_KEY = ec.generate_private_key(ec.SECP256R1())
T = TypeVar("T")


def rows() -> list[tuple[str, str, str, str]]:
    """What, value, ratio, target."""
    bare, floor, signer = medians()
    beside_bare, beside_floor = f"{signer / bare:.2f}", f"{signer / floor:.2f}"
    return [
        ("bare: P-256 CSR verified, leaf built and signed", f"{bare:.0f}/s", "1", ""),
        ("bare, and each flushed into a journal", f"{floor:.0f}/s", f"{floor / bare:.2f}", ""),
        ("through the signer: all checks, journal, socket", f"{signer:.0f}/s", beside_bare, ">= 0.20"),
        ("the same, beside bare with its flush", f"{signer:.0f}/s", beside_floor, ">= 0.40"),
    ]


def medians() -> tuple[float, ...]:
    """Certificates per second, bare, bare with a flushed journal, through the signer; measured in turns."""
    bare: list[float] = []
    floor: list[float] = []
    signer: list[float] = []
    with running_signer() as socket, flushed(socket.parent / "floor.sqlite3") as database:
        issuer = x509.load_der_x509_certificate(client.status(socket).authorities[0].issuing)
        client.issue(socket, request(csr()))  # pkilint looks at the first of a kind
        for _ in range(ROUNDS):
            csrs = [csr() for _ in range(BATCH)]
            requests = [request(der) for der in csrs]
            bare.append(rate(csrs, lambda der: bare_leaf(der, issuer)))
            floor.append(rate(csrs, lambda der: write(database, bare_leaf(der, issuer))))
            signer.append(rate(requests, lambda wanted: client.issue(socket, wanted)))
    return tuple(statistics.median(figures) for figures in (bare, floor, signer))


def rate(work: Sequence[T], do: Callable[[T], object]) -> float:
    start = time.perf_counter()
    for piece in work:
        do(piece)
    return len(work) / (time.perf_counter() - start)


def bare_leaf(der: bytes, issuer: x509.Certificate) -> bytes:
    """The same certificate as anybody writes it with cryptography: no checks, no journal."""
    parsed = x509.load_der_x509_csr(der)
    assert parsed.is_signature_valid
    key = parsed.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    now = datetime.now(UTC).replace(microsecond=0)
    subject = [(NameOID.ORGANIZATION_NAME, "The Smiths"), (NameOID.COMMON_NAME, "Anna's phone")]
    built = x509.CertificateBuilder()
    built = built.subject_name(x509.Name([x509.NameAttribute(oid, text) for oid, text in subject]))
    built = built.issuer_name(issuer.subject).public_key(key).serial_number(x509.random_serial_number())
    built = built.not_valid_before(now).not_valid_after(now + timedelta(days=365))
    points, access = builder.published(STATUS_URL, "clients")
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    built = built.add_extension(builder.key_usage("digitalSignature"), True)
    built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
    built = built.add_extension(builder.issued_by(issuer), False)
    built = built.add_extension(points, False).add_extension(access, False)
    return built.sign(CA_KEY, hashes.SHA256()).public_bytes(Encoding.DER)


@contextlib.contextmanager
def flushed(path: Path) -> Iterator[sqlite3.Connection]:
    """The least a CA must write: one table, each line on the disk before the next."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE issued (der BLOB)")
        yield database


def write(database: sqlite3.Connection, der: bytes) -> None:
    database.execute("INSERT INTO issued VALUES (?)", (der,))


@contextlib.contextmanager
def running_signer() -> Iterator[Path]:
    """A signer of its own in a folder that goes again; gives its socket."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
        socket = Path(folder) / "signer.sock"
        command = [sys.executable, "-m", "pki.signer", "--home", f"{folder}/home", "--socket", str(socket)]
        command += ["--status-url", STATUS_URL, "--label", "bench"]
        process = subprocess.Popen(
            command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        with process:
            assert process.stdout is not None and process.stdout.readline().strip() == "ready"
            try:
                yield socket
            finally:
                process.terminate()


def csr() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    blank = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return blank.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def request(der: bytes) -> IssuanceRequest:
    alice, bob = str(uuid.uuid4()), str(uuid.uuid4())
    evidence = CsrEvidence(hashlib.sha256(der).hexdigest(), alice, bob, "2026-01-01T00:00:00Z", False)
    return IssuanceRequest(
        request_id=str(uuid.uuid4()),
        profile=PROFILE.name,
        profile_digest=PROFILE.digest,
        organization="The Smiths",
        common_name="Anna's phone",
        sans=(),
        days=365,
        owner=alice,
        csr=der,
        evidence=evidence,
    )


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")
