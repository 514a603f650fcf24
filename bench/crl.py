"""Revocation lists: a million lines from the journal against encoding and signing them anew.

The yardsticks, in the same run: "raw", every line encoded by hand and the list signed; "one file", lines that
lie encoded in one file, read, hashed and signed, which is the least there is to do; bare cryptography.
"""

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding

from pki import builder, der
from pki.signer import entries
from pki.signer.entries import DAY
from pki.signer.journal import Journal

TOP = Path(__file__).resolve().parent.parent
MANY, SOME = 1_000_000, 100_000
KEY = ec.generate_private_key(ec.SECP256R1())
NOW = int(time.time())
Row = tuple[str, str, str]


def rows() -> list[tuple[str, str, str, str]]:
    """What, value, ratio, target."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
        place = Path(folder)
        wanted = list(lines(MANY))
        raw = best(lambda: raw_list(wanted), 3)
        one_file = best(lambda: from_file(place), 3, before=lambda: keep(place))
        ours = measured(place)
        bare = best(lambda: bare_list(SOME), 3)
    return [
        ("CRL of 1,000,000: every line encoded, and signed", f"{raw:.2f} s", "1", ""),
        ("lines encoded in one file, hashed and signed", f"{one_file:.3f} s", f"{one_file / raw:.2f}", ""),
        (
            "from the journal, signed and in a file",
            f"{ours['make']:.3f} s",
            f"{ours['make'] / raw:.2f}",
            "<= 0.5",
        ),
        ("its memory beside an empty one's", f"+{ours['memory']:.1f} MB", "", "<= 10 MB"),
        (
            "one more revoked, and the list again",
            f"{ours['again']:.3f} s",
            f"{ours['again'] / one_file:.2f} of one file",
            "<= 2",
        ),
        ("one serial looked for in it", f"{ours['look'] * 1000:.1f} ms", "", ""),
        ("CRL of 100,000: bare cryptography, a list of lines", f"{bare:.2f} s", "1", ""),
        ("from the journal", f"{ours['some']:.3f} s", f"{ours['some'] / bare:.3f}", "<= 0.2"),
    ]


def best(do: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> float:
    """Seconds, the median of several."""
    before()
    found = []
    for _ in range(times):
        start = time.perf_counter()
        do()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def lines(count: int) -> Iterable[tuple[str, int, str]]:
    """Serial number, moment and reason of each."""
    for number in range(count):
        digest = hashlib.sha1(number.to_bytes(4, "big"), usedforsecurity=False).hexdigest()
        yield f"4{digest[1:]}", NOW - number, "keyCompromise" if number % 3 else "superseded"


def raw_list(found: Iterable[tuple[str, int, str]]) -> bytes:
    """As fast as Python writes it: each line put together of what never changes and what does."""
    ends = {
        reason: der.sequence(der.sequence(der.oid("2.5.29.21"), der.octets(bytes([10, 1, number]))))
        for reason, number in entries.REASON_NUMBERS.items()
    }
    head = bytes((der.SEQUENCE, 22 + 15 + len(ends["superseded"]), der.INTEGER, 20))
    year = time.strftime("%y%m", time.gmtime(NOW)).encode()
    of_day = [
        b"\x17\x0d" + year + b"%02d%02d%02d00Z" % (at // 1440 + 1, at // 60 % 24, at % 60)
        for at in range(28 * 1440)
    ]
    content = b"".join(
        [head + bytes.fromhex(serial) + of_day[at % 40320] + ends[reason] for serial, at, reason in found]
    )
    return signed(content)


def signed(content: bytes) -> bytes:
    tbs = der.sequence(der.sequence(content))
    return der.sequence(tbs, builder.signed_with(KEY.sign(tbs, ec.ECDSA(hashes.SHA256()))))


def keep(folder: Path) -> None:
    with (folder / "lines").open("wb") as file:
        file.writelines(entries.encoded(*line, None) for line in lines(MANY))


def from_file(folder: Path) -> None:
    """Hashed block by block and written, as a list must be in the end."""
    digest = hashlib.sha256()
    with (folder / "lines").open("rb") as file, (folder / "list").open("wb") as out:
        while block := file.read(1 << 20):
            digest.update(block)
            out.write(block)
        out.write(KEY.sign(digest.digest(), ec.ECDSA(utils.Prehashed(hashes.SHA256()))))


def bare_list(count: int) -> bytes:
    """As anybody writes it with cryptography, and not in its slowest way."""
    found = [bare_line(*line) for line in lines(count)]
    name, start = x509.Name([]), datetime.now(UTC).replace(tzinfo=None)
    made = x509.CertificateRevocationListBuilder(name, start, start + timedelta(days=7), [], found)
    return made.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def bare_line(serial: str, at: int, reason: str) -> x509.RevokedCertificate:
    moment = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    why = x509.Extension(x509.CRLReason.oid, False, x509.CRLReason(x509.ReasonFlags(reason)))
    return x509.RevokedCertificateBuilder(int(serial, 16), moment, [why]).build()


def measured(folder: Path) -> dict[str, float]:
    """Our figures: in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "bench.crl_child", str(folder)]
    return dict(json.loads(subprocess.run(command, cwd=TOP, check=True, capture_output=True).stdout))


def fill(path: Path, issuer: str, count: int) -> None:
    """A journal with `count` revoked certificates that end on as many days as a year has."""
    Journal(path).close()
    journal = Journal(path)
    with journal._transaction() as database:
        days: dict[int, list[bytes]] = {}
        for number, line in enumerate(lines(count)):
            days.setdefault(NOW // DAY + 2 + number % 365, []).append(entries.encoded(*line, None))
        for day, content in days.items():
            step = entries.PIECE // 40
            found = (b"".join(content[at : at + step]) for at in range(0, len(content), step))
            pieces = ((issuer, day, number, piece) for number, piece in enumerate(found))
            database.executemany("INSERT INTO crl_pieces VALUES (?, ?, ?, ?)", pieces)
    journal.close()


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")
