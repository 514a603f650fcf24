"""What was promised to those who asked, and whether the books hold it: nothing lost, nothing doubled."""

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NEAR = 5  # seconds: what a broker took that was killed then may have died with it


@dataclass
class Ledger:
    """Filled by the threads of tests/soak/load.py."""

    asked: set[str] = field(default_factory=set)  # devices whose request was taken
    approved: set[str] = field(default_factory=set)  # and those whose approval was
    enrolled: dict[str, str] = field(default_factory=dict)  # device -> serial that a phone got by SCEP
    pressed: dict[str, float] = field(default_factory=dict)  # token -> when it was answered
    heard: Counter[str] = field(default_factory=Counter)  # nonces that arrived at home
    letters: Counter[str] = field(default_factory=Counter)  # Message-IDs that arrived
    broker_gone: list[float] = field(default_factory=list)  # when somebody killed it
    faults: list[str] = field(default_factory=list)  # answers that nobody should get
    busy: int = 0  # answers that said "not now" (503), which is fair
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, said: str) -> None:
        with self.lock:
            self.faults.append(said)

    @property
    def done(self) -> int:
        """How much was answered."""
        return len(self.asked) + len(self.approved) + len(self.enrolled) + len(self.pressed)

    def counts(self) -> Counter[str]:
        return Counter(
            {
                "requests": len(self.asked),
                "approvals": len(self.approved),
                "SCEP enrolments": len(self.enrolled),
                "presses": len(self.pressed),
                "letters": len(self.letters),
                "letters that came twice under one Message-ID": sum(self.letters.values())
                - len(self.letters),
                "answers that said not now": self.busy,
            }
        )

    def unsettled(self, books: dict[str, Any]) -> str:
        """What is still on its way, "" for nothing: approvals without certificate, messages, presses."""
        waits = [device for device, status, *_ in books["requests"] if status == "approved"]
        waits = [device for device in waits if device in self.approved]
        on_their_way = [pk for pk, state in books["deliveries"] if state in ("waiting", "taken", "leaving")]
        going = [token for token, _, outcome in books["presses"] if outcome == "sending"]
        found = (f"{len(waits)} approvals", f"{len(on_their_way)} messages", f"{len(going)} presses")
        return ", ".join(said for said in found if not said.startswith("0 "))

    def lost(self, books: dict[str, Any]) -> list[str]:
        """A sentence for each promise that does not stand in the books, or stands there twice."""
        return [
            *self.faults,
            *self._requests(books),
            *self._presses(books),
            *([f"the audit trail broke at {books['broken_at']}"] if books["broken_at"] else []),
        ]

    def _requests(self, books: dict[str, Any]) -> list[str]:
        rows = Counter(row[0] for row in books["requests"])
        issued = {row[0]: row[2] for row in books["requests"] if row[1] == "issued" and row[2]}
        serials = Counter(tuple(pair) for pair in books["serials"])
        return [
            *(f"{device} was asked for and is not there" for device in self.asked - rows.keys()),
            *(f"{device} is there {rows[device]} times" for device in self.asked if rows[device] > 1),
            *(f"{device} was approved and not issued" for device in self.approved - issued.keys()),
            *(
                f"{device} got {serial}, and the books say {issued.get(device)}"
                for device, serial in self.enrolled.items()
                if issued.get(device) != serial
            ),
            *(f"serial {pair} twice" for pair, count in serials.items() if count > 1),
        ]

    def _presses(self, books: dict[str, Any]) -> list[str]:
        rows = Counter(token for token, *_ in books["presses"])
        nonces = {nonce for _, nonce, _ in books["presses"]}
        received = {token: nonce for token, nonce, outcome in books["presses"] if outcome == "received"}
        silent = [token for token, nonce in received.items() if nonce not in self.heard]
        return [
            *(f"press {token} was answered and is not there" for token in self.pressed.keys() - rows.keys()),
            *(f"press {token} is there {count} times" for token, count in rows.items() if count > 1),
            *(f"the home heard {nonce}, which nobody pressed" for nonce in self.heard.keys() - nonces),
            *(f"the home heard {nonce} {count} times" for nonce, count in self.heard.items() if count > 1),
            *(f"the home never heard of press {token}" for token in silent if not self._excused(token)),
        ]

    def _excused(self, token: str) -> bool:
        """Whether the broker itself was killed about then: what it had taken died with it."""
        at = self.pressed.get(token)
        return at is None or any(abs(at - gone) < NEAR for gone in self.broker_gone)

    def letters_lost(self, books: dict[str, Any]) -> list[str]:
        """The same for letters, where a mail server listens."""
        arrived = {name.strip("<>").partition("@")[0] for name in self.letters}
        sent = [pk for pk, state in books["deliveries"] if state == "sent"]
        return [f"letter {pk} was sent and never arrived" for pk in sent if pk not in arrived]


def signer_agrees(data: Path, books: dict[str, Any]) -> list[str]:
    """Whether the signer's journal has the certificates of the books, and no other; and nothing half done."""
    with closing(sqlite3.connect(data / "signer/journal.sqlite3")) as journal:
        whole = journal.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = journal.execute("SELECT serial, signature IS NULL FROM certificates").fetchall()
    ours, theirs = {serial for _, serial in books["serials"]}, {serial for serial, _ in rows}
    return [
        *([] if whole else ["the signer's journal is damaged"]),
        *(f"{serial} was reserved and not signed" for serial, unsigned in rows if unsigned),
        *(f"{serial} is in the books and not in the journal" for serial in ours - theirs),
        *(f"{serial} is in the journal and not in the books" for serial in theirs - ours),
    ]
