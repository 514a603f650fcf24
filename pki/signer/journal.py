"""The signer's own record of what it reserved, signed and revoked: one SQLite file, the original of all.

Moments are whole seconds since 1970 (UTC); serials, digests and issuers are lower case hex.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from pki.signer import entries, revocations
from pki.signer.home import StartRefused
from pki.signer.protocol import Change
from pki.signer.revocations import Order

# Each entry brings a journal of that version (0, 1, …) to the next one.
MIGRATIONS = (
    """
    CREATE TABLE certificates (
        id INTEGER PRIMARY KEY,
        request_id TEXT NOT NULL UNIQUE,
        request_sha256 TEXT NOT NULL,
        issuer TEXT NOT NULL,               -- SubjectKeyIdentifier of the issuing CA
        authority TEXT NOT NULL,
        serial TEXT NOT NULL,
        profile TEXT NOT NULL,
        owner TEXT NOT NULL,
        common_name TEXT NOT NULL,
        sans TEXT NOT NULL,                 -- JSON
        key_sha256 TEXT NOT NULL,
        not_before INTEGER NOT NULL,
        not_after INTEGER NOT NULL,
        evidence TEXT NOT NULL,             -- JSON: who asked, who approved what, when
        reserved_at INTEGER NOT NULL,
        tbs BLOB NOT NULL,
        signature BLOB,                     -- NULL: reserved. The certificate is tbs + signature
        UNIQUE (authority, serial)
    ) STRICT;
    CREATE INDEX certificates_key ON certificates (key_sha256);
    CREATE INDEX certificates_unsigned ON certificates (id) WHERE signature IS NULL;
    -- Apart from the certificates and narrow: a CRL of 100,000 reads this and nothing wide.
    CREATE TABLE revocations (
        authority TEXT NOT NULL,
        serial TEXT NOT NULL,
        issuer TEXT NOT NULL,
        revoked_at INTEGER NOT NULL,
        reason TEXT NOT NULL,
        not_after INTEGER NOT NULL,
        revoked_by TEXT NOT NULL,
        PRIMARY KEY (authority, serial)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE crls (
        issuer TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        this_update INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE lints (
        what TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    # A device's common name is its identity at the broker, so it has one owner at a time.
    "CREATE INDEX certificates_device ON certificates (common_name) WHERE authority = 'devices';",
    # What can be used once: an approval by device, a certificate's one successor. See claims.py.
    """
    ALTER TABLE certificates ADD COLUMN claim TEXT;
    CREATE UNIQUE INDEX certificates_claim ON certificates (claim) WHERE claim IS NOT NULL;
    """,
    f"{revocations.TABLES} {entries.TABLES}",
)
_RESERVE = """
    INSERT INTO certificates (request_id, request_sha256, issuer, authority, serial, profile, owner,
        common_name, sans, key_sha256, not_before, not_after, evidence, reserved_at, tbs, claim)
    VALUES (:request_id, :request_sha256, :issuer, :authority, :serial, :profile, :owner, :common_name,
        :sans, :key_sha256, :not_before, :not_after, :evidence, :reserved_at, :tbs, :claim)
"""
_ROW = "SELECT id, request_sha256, issuer, authority, serial, tbs, signature FROM certificates "


@dataclass(frozen=True)
class Row:
    """One certificate as reserved; `signature` is None until it is signed."""

    id: int
    request_sha256: str
    issuer: str
    authority: str
    serial: str
    tbs: bytes
    signature: bytes | None


@dataclass(frozen=True)
class Use:
    """An earlier certificate of some key: whose it is, and why it was revoked ("" when it was not)."""

    owner: str
    reason: str


@dataclass(frozen=True)
class Issued:
    """A certificate that was signed: whose, of which profile, and why it was revoked ("" when it was not)."""

    owner: str
    profile: str
    reason: str
    tbs: bytes
    signature: bytes


class Journal:
    """One connection, one thread at a time: hold `lock` from a check to the write that relies on it."""

    def __init__(self, path: Path) -> None:
        self.lock = RLock()
        # isolation_level None: we say BEGIN ourselves, and IMMEDIATE.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=20)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.create_function("crl_entry", 4, entries.encoded)
        self.folder = path.parent
        _migrate(self._database, path)

    def close(self) -> None:
        with self.lock:
            self._database.close()

    @contextmanager
    def _transaction(self, flush: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction; with `flush`, it is on the disk at the end, not only with the operating system."""
        with self.lock:
            self._database.execute(f"PRAGMA synchronous = {'FULL' if flush else 'NORMAL'}")
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def _all(self, query: str, *values: object) -> list[Any]:
        with self.lock:
            return self._database.execute(query, values).fetchall()

    def find(self, request_id: str) -> Row | None:
        rows = self._all(_ROW + "WHERE request_id = ?", request_id)
        return Row(*rows[0]) if rows else None

    def unsigned(self) -> list[Row]:
        """What was reserved and not signed when the last signer ended."""
        return [Row(*row) for row in self._all(_ROW + "WHERE signature IS NULL ORDER BY id")]

    def uses(self, key_sha256: str) -> list[Use]:
        """Every certificate there ever was for this key."""
        query = """SELECT owner, coalesce(reason, '') FROM certificates LEFT JOIN revocations
                   USING (authority, serial) WHERE key_sha256 = ?"""
        return [Use(*row) for row in self._all(query, key_sha256)]

    def device_owners(self, common_name: str, now: int) -> set[str]:
        """Whose certificates of `devices` with this name are live at `now`, those on hold included."""
        query = """SELECT DISTINCT owner FROM certificates LEFT JOIN revocations USING (authority, serial)
                   WHERE certificates.authority = 'devices' AND common_name = ? AND certificates.not_after > ?
                   AND coalesce(reason, 'certificateHold') = 'certificateHold'"""
        return {owner for (owner,) in self._all(query, common_name, now)}

    def issued(self, authority: str, serial: str) -> Issued | None:
        """The signed certificate with this serial."""
        query = """SELECT owner, profile, coalesce(reason, ''), tbs, signature FROM certificates
                   LEFT JOIN revocations USING (authority, serial)
                   WHERE authority = ? AND serial = ? AND signature IS NOT NULL"""
        rows = self._all(query, authority, serial)
        return Issued(*rows[0]) if rows else None

    def claimed(self, claim: str) -> bool:
        """Whether some certificate was reserved under this claim."""
        return bool(self._all("SELECT 1 FROM certificates WHERE claim = ?", claim))

    def reserve(self, facts: dict[str, Any]) -> Row:
        """Write down, durably, what is going to be signed. `facts`: the columns, without id and signature."""
        with self._transaction() as database:
            number = database.execute(_RESERVE, facts).lastrowid
        known = {name: facts[name] for name in ("request_sha256", "issuer", "authority", "serial", "tbs")}
        return Row(id=int(number or 0), signature=None, **known)

    def signed(self, row: Row, signature: bytes) -> None:
        """Store the signature that completes `row`.

        Not flushed on its own (a quarter of an issue's time): should the power fail now, the flushed
        reservation is signed again at the next start, and ECDSA by RFC 6979 gives these same bytes.
        """
        with self._transaction(flush=False) as database:
            database.execute("UPDATE certificates SET signature = ? WHERE id = ?", (signature, row.id))

    def abandon(self, row: Row) -> None:
        """Forget a reservation whose issuer is gone: it was never answered and cannot be signed any more."""
        with self._transaction() as database:
            database.execute("DELETE FROM certificates WHERE id = ? AND signature IS NULL", (row.id,))

    def revoke(
        self, authority: str, serial: str, reason: str, by: str, at: int, invalidity: int | None = None
    ) -> int | None:
        """Revoke, durably; gives the moment of the first revocation, None for a serial that is not ours."""
        with self._transaction() as database:
            return revocations.revoke(database, authority, serial, Order(reason, by, at, invalidity))

    def release(self, authority: str, serial: str, by: str, at: int, evidence: str) -> bool:
        """End a hold, durably; False when there is none. `evidence` is JSON."""
        with self._transaction() as database:
            return revocations.release(database, authority, serial, Order("", by, at), evidence)

    def reason(self, authority: str, serial: str) -> str:
        """Why it is revoked or on hold, "" when it is neither."""
        with self.lock:
            return revocations.reason_of(self._database, authority, serial)

    def owner(self, authority: str, serial: str) -> str:
        """Whose certificate it is, "" when it is not ours."""
        query = "SELECT owner FROM certificates WHERE authority = ? AND serial = ?"
        rows = self._all(query, authority, serial)
        return str(rows[0][0]) if rows else ""

    def changes(self, since: int, limit: int) -> list[Change]:
        """The first `limit` steps (revoked, held, released) after number `since`."""
        with self.lock:
            return revocations.changes(self._database, since, limit)

    def serial_of_change(self, number: int) -> str:
        """The serial number that step `number` was about, "" when there is no such step."""
        with self.lock:
            return revocations.serial_of(self._database, number)

    def last_change(self, authority: str) -> int:
        """The number of the last step of `authority`, 0 for none."""
        with self.lock:
            return revocations.last(self._database, authority)

    @contextmanager
    def crl_lines(self, issuer: str, after: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Size, and piece by piece, of the lines of `issuer` whose day of expiry ends after `after`.

        What is older is forgotten. Nothing is revoked meanwhile.
        """
        with self._transaction() as database:
            entries.drop(database, issuer, after)
            yield entries.size(database, issuer, after), entries.pieces(database, issuer, after)

    def last_crl(self, issuer: str) -> tuple[int, int]:
        """(number, thisUpdate) of the last CRL of `issuer`, zeros before the first."""
        found = self._all("SELECT number, this_update FROM crls WHERE issuer = ?", issuer)
        return found[0] if found else (0, 0)

    def number_crl(self, issuer: str, number: int, this_update: int) -> None:
        """Reserve, durably, the number of the next CRL of `issuer`."""
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO crls VALUES (?, ?, ?)", (issuer, number, this_update))

    def linted(self, what: str) -> int:
        """When pkilint last found this kind of certificate clean; 0 for never."""
        found = self._all("SELECT at FROM lints WHERE what = ?", what)
        return int(found[0][0]) if found else 0

    def record_lint(self, what: str, at: int) -> None:
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO lints VALUES (?, ?)", (what, at))

    def counts(self) -> tuple[int, int]:
        """How many certificates were signed and how many revoked."""
        issued, revoked = self._all(
            """SELECT (SELECT count(*) FROM certificates)
                    - (SELECT count(*) FROM certificates WHERE signature IS NULL),
                      (SELECT count(*) FROM revocations)"""
        )[0]
        return issued, revoked


def _migrate(database: sqlite3.Connection, path: Path) -> None:
    """Bring an older journal to this version, after a copy of it; a newer one stops the start."""
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StartRefused(
            f"{path} was written by a newer Latchkey (journal version {version}, this one knows "
            f"{len(MIGRATIONS)}). Start the newer one, or restore the backup made before the upgrade."
        )
    if 0 < version < len(MIGRATIONS):
        _copy(database, path.with_name(f"{path.name}.version-{version}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        # One script, one transaction: user_version is part of it.
        database.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")


def _copy(database: sqlite3.Connection, path: Path) -> None:
    with sqlite3.connect(path) as copy:
        database.backup(copy)
    copy.close()
