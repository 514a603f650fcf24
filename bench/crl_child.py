"""The signer's part of bench/crl.py, in a process of its own. Prints figures as JSON."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import crl
from pki.crlfile import CrlFile
from pki.signer import crls
from pki.signer.authorities import Plan
from pki.signer.entries import DAY
from pki.signer.journal import Journal
from pki.signer.keys import Issuer, open_authorities

HEAD = bytes(32)
TIMES = 5


def main(folder: Path) -> None:
    found = open_authorities(folder, b"a passphrase for benches", Plan("bench", (), "http://a.home.arpa"))
    issuer = found["clients"].issuing
    if len(sys.argv) > 2:
        crl.fill(folder / f"{sys.argv[2]}.sqlite3", issuer.id, int(sys.argv[2]))
        return
    for count in (crl.SOME, crl.MANY):  # in another process: it takes much memory
        subprocess.run([sys.executable, "-m", "bench.crl_child", str(folder), str(count)], check=True)
    print(json.dumps(figures(folder, issuer)))


def figures(folder: Path, issuer: Issuer) -> dict[str, float]:
    some = Journal(folder / f"{crl.SOME}.sqlite3")
    empty = Journal(folder / "empty.sqlite3")
    make(issuer, empty)
    before = peak()
    many = Journal(folder / f"{crl.MANY}.sqlite3")
    made = seconds(lambda: make(issuer, many))
    memory = peak() - before
    issued = iter([one_more(many, issuer, number) for number in range(TIMES)])
    again = seconds(lambda: (revoke(many, next(issued)), make(issuer, many)))
    list_ = crls.make(issuer, many, HEAD)
    looked = seconds(lambda: 5 in CrlFile(list_.file, list_.start))
    return {
        "make": made,
        "memory": memory,
        "again": again,
        "look": looked,
        "some": seconds(lambda: make(issuer, some)),
    }


def make(issuer: Issuer, journal: Journal) -> None:
    crls.make(issuer, journal, HEAD).file.close()


def one_more(journal: Journal, issuer: Issuer, number: int) -> str:
    """Its serial number."""
    end = crl.NOW + 100 * DAY
    facts = {"request_id": str(number), "request_sha256": "", "issuer": issuer.id, "authority": "clients"}
    facts |= {"serial": f"77{number:030x}", "profile": "", "owner": "", "common_name": "", "sans": ""}
    facts |= {"key_sha256": "", "not_before": "0", "not_after": end, "evidence": "", "reserved_at": 0}
    row = journal.reserve({**facts, "not_before": 0, "tbs": b"", "claim": None})
    journal.signed(row, b"signature")
    return row.serial


def revoke(journal: Journal, serial: str) -> None:
    journal.revoke("clients", serial, "superseded", "bob", crl.NOW)


def seconds(do: Callable[[], object]) -> float:
    found = []
    for _ in range(TIMES):
        start = time.perf_counter()
        do()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def peak() -> float:
    """MB that this process held at most (proc(5), VmHWM)."""
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
