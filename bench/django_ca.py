"""OCSP and lists beside django-ca's, the same work in the same run. `make djangoca` installs it into var/.

Both answer from one gunicorn process of 16 threads over SQLite. django-ca signs each answer anew.
"""

import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509

from bench import crl, ocsp
from tests.pki.ocsp_requests import asked
from tests.portal.running import free_port, wait_until

TOP = Path(__file__).resolve().parent.parent
SITE = Path(__file__).resolve().parent / "django_ca_site"
PYTHON = TOP / "var" / "django-ca" / "bin" / "python"
ROUNDS = 3


def rows() -> list[tuple[str, str, str, str]]:
    """What, value, ratio, target."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as name:
        folder = Path(name)
        serial = act(folder, "prepare", str(folder), request(folder)).split()[-1]
        found = answers(folder, serial)
        theirs = float(act(folder, "list", str(crl.SOME)).split()[-1])
        ours = crl.measured(folder)["some"]
    peer = found["django-ca"]
    return [
        ("OCSP: django-ca", f"{peer:.0f}/s", "1", ""),
        ("OCSP: signed for a nonce", f"{found['live']:.0f}/s", f"{found['live'] / peer:.1f}", ">= 4"),
        ("OCSP: kept signed", f"{found['kept']:.0f}/s", f"{found['kept'] / peer:.1f}", ">= 4"),
        (f"CRL of {crl.SOME:,}: django-ca", f"{theirs:.1f} s", "1", ""),
        (f"CRL of {crl.SOME:,} from the journal", f"{ours:.3f} s", f"{theirs / ours:.0f} x", ">= 100 x"),
    ]


def answers(folder: Path, serial: str) -> dict[str, float]:
    """Answers per second of each, in turns."""
    with ocsp.household(folder) as (running, leaf), ocsp.face(running) as port, peer(folder) as other:
        issuer = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        text = (folder / "leaf.txt").read_bytes()
        theirs = x509.load_pem_x509_certificate(text[text.index(b"-----BEGIN CERT") :])
        files = {
            "kept": asked(leaf, ocsp.issuing(running)),
            "live": asked(leaf, ocsp.issuing(running), ocsp.NONCE),
            "django-ca": asked(theirs, issuer),
        }
        for name, data in files.items():
            (folder / name).write_bytes(data)
        address = f"http://127.0.0.1:{port}/ocsp/clients"
        load = {
            "kept": address,
            "live": address,
            "django-ca": f"http://127.0.0.1:{other}/ocsp/{serial}/cert/",
        }
        rates: dict[str, list[float]] = {name: [] for name in load}
        for _ in range(ROUNDS):
            for name, where in load.items():
                rates[name].append(ocsp.asked_by_ab(where, *ocsp.KEPT, *ocsp.post(folder / name)))
    return {name: statistics.median(found) for name, found in rates.items()}


def request(folder: Path) -> str:
    """A CSR for the peer."""
    key, csr = str(folder / "key.pem"), str(folder / "csr.pem")
    command = [
        "openssl",
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    subprocess.run([*command, "-keyout", key, "-out", csr, "-subj", "/CN=a"], check=True, capture_output=True)
    return csr


def environment(folder: Path) -> dict[str, str]:
    more = {"PEER": str(folder), "DJANGO_SETTINGS_MODULE": "peer", "PYTHONPATH": str(SITE)}
    return {**os.environ, **more}


def act(folder: Path, *words: str) -> str:
    command = [str(PYTHON), "-m", "peer_act", *words]
    done = subprocess.run(command, env=environment(folder), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def peer(folder: Path) -> Iterator[int]:
    port = free_port()
    command = [str(PYTHON), "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--threads", "16", "peer_wsgi"]
    with subprocess.Popen(command, env=environment(folder), cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _listens(port), 20, "django-ca listens")
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    command = ["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/"]
    return subprocess.run(command).returncode == 0


if __name__ == "__main__":
    assert PYTHON.exists(), "run it with: make djangoca"
    for row in rows():
        print(*row, sep=" | ")
