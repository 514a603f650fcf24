"""OCSP answers per second through real HTTP, beside a view that does nothing, and beside `openssl ocsp`.

All from one gunicorn process or one openssl, asked by ApacheBench, in turns. Beside the view four connections
that are kept; beside openssl, which keeps none and answers one after the other, a new one for each answer.
openssl is ahead of any view in Python: already one that does nothing costs more than its signature.
"""

import base64
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.ocsp_requests import asked
from tests.portal.door_clients import Crowd
from tests.portal.door_hand import hand
from tests.portal.running import Running, free_port, up, wait_until

TOP = Path(__file__).resolve().parent.parent
ROUNDS, ANSWERS = 5, 3000
KEPT = ("-k", "-c", "4")
NONCE = b"0123456789abcdef"


def rows() -> list[tuple[str, str, str, str]]:
    """What, value, ratio, target."""
    found = medians()
    view, shared = found["trivial view"], found["openssl ocsp"]

    def row(name: str, beside: float, target: str) -> tuple[str, str, str, str]:
        return (f"OCSP: {name}", f"{found[name]:.0f}/s", f"{found[name] / beside:.2f}", target)

    return [
        row("trivial view", view, ""),
        row("kept signed, POST", view, ">= 0.8"),
        row("kept signed, GET", view, ">= 0.8"),
        row("signed for a nonce", view, ">= 0.4"),
        row("openssl ocsp", shared, ""),
        row("kept signed, a connection each", shared, ""),
        row("signed for a nonce, a connection each", shared, ""),
    ]


def medians() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder, household(Path(folder)) as house:
        running, leaf = house
        with face(running) as port, openssl(running, Path(folder), leaf) as theirs:
            load = loads(Path(folder), leaf, issuing(running), port, theirs)
            found: dict[str, list[float]] = {name: [] for name in load}
            for _ in range(ROUNDS):
                for name, run in load.items():
                    found[name].append(run())
    return {name: statistics.median(figures) for name, figures in found.items()}


def loads(
    folder: Path, leaf: x509.Certificate, issuer: x509.Certificate, port: int, theirs: int
) -> dict[str, Callable[[], float]]:
    """What is asked for in each round; each gives answers per second."""
    plain, fresh = folder / "plain", folder / "fresh"
    plain.write_bytes(asked(leaf, issuer))
    fresh.write_bytes(asked(leaf, issuer, NONCE))
    address, other = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{theirs}/"
    in_address = quote(base64.b64encode(plain.read_bytes()), safe="")
    ours = f"{address}/ocsp/clients"
    return {
        "trivial view": lambda: asked_by_ab(f"{address}/trivial", *KEPT),
        "kept signed, POST": lambda: asked_by_ab(ours, *KEPT, *post(plain)),
        "kept signed, GET": lambda: asked_by_ab(f"{ours}/{in_address}", *KEPT),
        "signed for a nonce": lambda: asked_by_ab(ours, *KEPT, *post(fresh)),
        "openssl ocsp": lambda: asked_by_ab(other, *post(plain)),
        "kept signed, a connection each": lambda: asked_by_ab(ours, *post(plain)),
        "signed for a nonce, a connection each": lambda: asked_by_ab(ours, *post(fresh)),
    }


def post(file: Path) -> tuple[str, ...]:
    return "-p", str(file), "-T", "application/ocsp-request"


def asked_by_ab(address: str, *options: str) -> float:
    """Answers per second; all of them must be 200."""
    command = ["ab", "-q", "-l", "-n", str(ANSWERS), *options, address]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "Non-2xx" not in said and re.search(r"Failed requests:\s+0", said), said
    found = re.search(r"Requests per second:\s+([0-9.]+)", said)
    assert found is not None, said
    return float(found.group(1))


@contextmanager
def household(folder: Path) -> Iterator[tuple[Running, x509.Certificate]]:
    """A running one, and a certificate of it."""
    with up(folder / "data") as running, hand(running.env) as order:
        file = Crowd(running, order, folder).good("bench-phone")
        leaf = x509.load_pem_x509_certificates(file.read_bytes())[0]
        wait_until((running.data / "ra/ocsp-devices.pem").exists, 60, "certificates for OCSP")
        yield running, leaf


def issuing(running: Running) -> x509.Certificate:
    return x509.load_der_x509_certificate((running.data / "public/ca/clients.cer").read_bytes())


@contextmanager
def face(running: Running) -> Iterator[int]:
    """One more status face over the same data; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.ocsp_child", str(port)]
    with subprocess.Popen(command, cwd=TOP, env=running.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        try:
            yield port
        finally:
            process.terminate()


@contextmanager
def openssl(running: Running, folder: Path, leaf: x509.Certificate) -> Iterator[int]:
    """`openssl ocsp` with our responder's key and one certificate in its index; gives its port."""
    port = free_port()
    (folder / "issuing.pem").write_bytes(issuing(running).public_bytes(Encoding.PEM))
    serial = f"{leaf.serial_number:X}"
    serial = serial if len(serial) % 2 == 0 else f"0{serial}"
    (folder / "index.txt").write_text(
        f"V\t{leaf.not_valid_after_utc:%y%m%d%H%M%SZ}\t\t{serial}\tunknown\t/CN=a\n"
    )
    responder = str(running.data / "ra/ocsp-clients.pem")
    command = ["openssl", "ocsp", "-index", "index.txt", "-port", str(port), "-CA", "issuing.pem"]
    command += ["-rsigner", responder, "-rkey", responder, "-ignore_err"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, **quiet) as process:
        try:
            question = folder / "first"
            question.write_bytes(asked(leaf, issuing(running)))
            wait_until(lambda: answers(port, question), 10, "openssl answers")
            yield port
        finally:
            process.terminate()


def answers(port: int, question: Path) -> bool:
    command = ["curl", "-s", "--data-binary", f"@{question}", "-H", "Content-Type: application/ocsp-request"]
    return (
        b"\x06\x09+\x06\x01\x05\x05\x07\x30\x01\x01"
        in subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True).stdout
    )


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")
