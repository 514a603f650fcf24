"""Kill the signer again and again while somebody asks it for certificates; then nothing is lost or doubled.

Each request is repeated until it is answered, as the web side does. Kills come at random moments: while the
signer starts and recovers, between reservation and signature, between signature and answer, in a revocation.
"""

import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from pki import builder
from pki.errors import SignerUnavailable
from pki.signer import client
from tests.pki.signer.makers import request
from tests.pki.signer.process import Signer
from tests.soak.results import Outcome

CLIENTS = 2
REVOKE_EVERY = 5
PIECE = 100  # kills of one signer and its journal


class Asker(threading.Thread):
    """Asks for one certificate after the other, and repeats each question until it is answered."""

    def __init__(self, socket: Path, stop: threading.Event):
        super().__init__(daemon=True)
        self.socket, self.stop = socket, stop
        self.certificates: dict[str, bytes] = {}
        self.revoked: dict[str, datetime] = {}
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.one()
        except BaseException as error:
            self.trouble = error

    def one(self) -> None:
        wanted = request()
        der = self.until_answered(client.issue, wanted)
        self.certificates[wanted.request_id] = der
        if len(self.certificates) % REVOKE_EVERY == 0:
            serial = f"{x509.load_der_x509_certificate(der).serial_number:x}"
            self.revoked[serial] = self.until_answered(client.revoke, "clients", serial, "superseded", "bob")

    def until_answered(self, ask, *question):
        while True:
            try:
                return ask(self.socket, *question)
            except SignerUnavailable:
                time.sleep(0.005)


def run(begin: int, count: int, folder: Path) -> Iterator[tuple[int, Outcome]]:
    for start in range(begin, begin + count, PIECE):
        kills = min(PIECE, begin + count - start)
        (folder / str(start)).mkdir()
        try:
            counts, lost = torment(folder / str(start), kills), []
        except AssertionError as error:
            counts, lost = Counter(), [f"{start}: {error}"[:500]]
        yield kills, Outcome(kills, lost, counts)


def torment(folder: Path, kills: int) -> Counter[str]:
    """Kill the signer `kills` times under load; gives what there was to lose. Raises AssertionError."""
    signer, stop = Signer(folder), threading.Event()
    askers = [Asker(signer.socket, stop) for _ in range(CLIENTS)]
    signer.start()
    # pkilint looks at this one; were it killed again and again, nothing would be issued at all
    askers[0].one()
    signer.stop()
    for asker in askers:
        asker.start()
    recoveries = sum(kill_once(signer, askers) for _ in range(kills))
    stop.set()
    signer.start()
    for asker in askers:
        asker.join(timeout=60)
        assert not asker.is_alive() and asker.trouble is None, asker.trouble
    signer.stop()
    answers = {key: der for asker in askers for key, der in asker.certificates.items()}
    revoked = {key: moment for asker in askers for key, moment in asker.revoked.items()}
    assert len(answers) > kills / 4, f"only {len(answers)} certificates: there was hardly anything to lose"
    check(signer.home / "journal.sqlite3", answers, revoked)
    return Counter(certificates=len(answers), revocations=len(revoked), recoveries=recoveries)


def kill_once(signer: Signer, askers: list[Asker]) -> bool:
    """Start the signer and kill it; whether it found something to finish.

    One in five is killed before it is ready: in its start and its recovery. Half of the others answer
    something first, so that a kill falls into the work also where the machine is slow.
    """
    before, fate = sum(len(asker.certificates) for asker in askers), random.random()
    signer.start(wait=fate > 0.2)
    deadline = time.monotonic() + 5
    while fate > 0.6 and time.monotonic() < deadline:
        if sum(len(asker.certificates) for asker in askers) > before:
            break
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.02 if fate > 0.6 else 0.3))
    return "event=recovered" in signer.stop(signal.SIGKILL)[1]


def check(path: Path, answers: dict[str, bytes], revoked: dict[str, datetime]) -> None:
    with closing(sqlite3.connect(path)) as journal:
        assert journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = journal.execute("SELECT request_id, tbs, signature FROM certificates").fetchall()
        lines = journal.execute("SELECT serial, revoked_at FROM revocations").fetchall()
    assert all(signature is not None for _, _, signature in rows), "a reservation was left unsigned"
    kept = {request_id: builder.assemble(tbs, signature) for request_id, tbs, signature in rows}
    assert len(kept) == len(rows), "a request has two certificates"
    assert kept == answers, "journal and answers differ"
    serials = {x509.load_der_x509_certificate(der).serial_number for der in answers.values()}
    assert len(serials) == len(answers), "a serial number was used twice"
    assert {serial: datetime.fromtimestamp(at, UTC) for serial, at in lines} == revoked, (
        "a revocation was lost"
    )
