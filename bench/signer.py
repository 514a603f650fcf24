"""Certificates per second: through the signer against bare cryptography doing what cannot be left out."""

import contextlib
import hashlib
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

from pki import builder, names
from pki.profiles import PROFILES
from pki.signer import client
from pki.signer.protocol import CsrEvidence, IssuanceRequest

TOP = Path(__file__).resolve().parent.parent
ROUNDS, BATCH = 9, 60
STATUS_URL = "http://portal.home.arpa:8080"
PROFILE = PROFILES["tls-client"]
T = TypeVar("T")


def rows() -> list[tuple[str, str, str, str]]:
    """What, value, ratio, target."""
    bare, signer = medians()
    return [
        ("bare: P-256 CSR verified, leaf built and signed", f"{bare:.0f}/s", "1", ""),
        (
            "through the signer: all checks, journal, socket",
            f"{signer:.0f}/s",
            f"{signer / bare:.2f}",
            ">= 0.20",
        ),
    ]


def medians() -> tuple[float, float]:
    """Certificates per second, bare and through the signer, measured in turns."""
    bare, signer = [], []
    with running_signer() as socket:
        issuer = x509.load_der_x509_certificate(client.status(socket).authorities[0].issuing)
        template = builder.Template(PROFILE, issuer, STATUS_URL)
        client.issue(socket, request(csr()))  # pkilint looks at the first of a kind
        for _ in range(ROUNDS):
            csrs = [csr() for _ in range(BATCH)]
            requests = [request(der) for der in csrs]
            bare.append(rate(csrs, lambda der: bare_leaf(der, template)))
            signer.append(rate(requests, lambda wanted: client.issue(socket, wanted)))
    return statistics.median(bare), statistics.median(signer)


def rate(work: Sequence[T], do: Callable[[T], object]) -> float:
    start = time.perf_counter()
    for piece in work:
        do(piece)
    return len(work) / (time.perf_counter() - start)


def bare_leaf(der: bytes, template: builder.Template) -> bytes:
    """The same certificate without any check, journal or second process."""
    parsed = x509.load_der_x509_csr(der)
    assert parsed.is_signature_valid
    key = parsed.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    now = datetime.now(UTC).replace(microsecond=0)
    serial = x509.random_serial_number()
    subject = names.subject("The Smiths", "Anna's phone")
    wanted = builder.Wanted(subject, (), key, serial, now, now + timedelta(days=365))
    return template.rehearse(wanted).public_bytes(Encoding.DER)


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
