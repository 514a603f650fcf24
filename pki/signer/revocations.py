"""What revoking, holding and releasing write into the journal, each inside one transaction.

`revocations` is how things stand, `crl_pieces` the same as CRLs say it, `changes` how it came to be: one line
for each step, never changed, which the web side follows by their numbers.
"""

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from pki.signer import entries
from pki.signer.entries import COMPROMISED, HOLD
from pki.signer.protocol import Change

TABLES = """
    ALTER TABLE revocations ADD COLUMN invalidity INTEGER;  -- RFC 5280 5.3.2; NULL: not said
    CREATE TABLE changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        authority TEXT NOT NULL,
        serial TEXT NOT NULL,
        at INTEGER NOT NULL,
        reason TEXT NOT NULL,               -- '': released
        revoked_at INTEGER NOT NULL,        -- the first moment, which stays when the reason changes
        invalidity INTEGER,
        said_by TEXT NOT NULL,
        evidence TEXT NOT NULL              -- JSON, of a release
    ) STRICT;
    CREATE INDEX changes_authority ON changes (authority, id);
    INSERT INTO changes (authority, serial, at, reason, revoked_at, said_by, evidence)
        SELECT authority, serial, revoked_at, reason, revoked_at, revoked_by, '' FROM revocations
        ORDER BY revoked_at, authority, serial;
"""
_CHANGES = "SELECT id, authority, serial, at, reason, revoked_at, invalidity, said_by FROM changes "


@dataclass(frozen=True)
class Order:
    """What somebody wants: `reason` by RFC 5280 5.3.1, moments in seconds since 1970."""

    reason: str
    by: str
    at: int
    invalidity: int | None = None


class _State(NamedTuple):
    revoked_at: int
    reason: str
    invalidity: int | None


class _Leaf(NamedTuple):
    authority: str
    serial: str
    issuer: str
    not_after: int


def revoke(database: sqlite3.Connection, authority: str, serial: str, order: Order) -> int | None:
    """Revoke; gives the moment of the first revocation, None for a serial that is not ours.

    A compromised key takes all its certificates along: whoever has the key has them all.
    """
    query = """SELECT authority, serial, issuer, not_after, key_sha256 FROM certificates
               WHERE authority = ? AND serial = ? AND signature IS NOT NULL"""
    found = database.execute(query, (authority, serial)).fetchone()
    if found is None:
        return None
    leaves = [_Leaf(*found[:4])]
    if order.reason in COMPROMISED:
        # What is reserved and will be signed in a moment, too.
        query = """SELECT authority, serial, issuer, not_after FROM certificates
                   WHERE key_sha256 = ? AND not_after > ? AND serial <> ?"""
        leaves += [_Leaf(*row) for row in database.execute(query, (found[4], order.at, serial))]
    return [_revoke(database, leaf, order) for leaf in leaves][0]


def _revoke(database: sqlite3.Connection, leaf: _Leaf, order: Order) -> int:
    """The first moment stays; the reason too, unless it was a hold, or the key turns out to be compromised:
    a key reported stolen must not come back with what is released or asked for again."""
    before = _state(database, leaf.authority, leaf.serial)
    if before is None:
        after = _State(order.at, order.reason, order.invalidity)
        entries.put(database, leaf.issuer, leaf.not_after, _line(leaf, after))
    elif (before.reason == HOLD != order.reason) or (
        order.reason in COMPROMISED and before.reason not in COMPROMISED
    ):
        after = _State(before.revoked_at, order.reason, order.invalidity)
        entries.replace(database, leaf.issuer, leaf.not_after, _line(leaf, before), _line(leaf, after))
    else:
        return before.revoked_at
    values = (leaf.authority, leaf.serial, leaf.issuer, after.revoked_at, after.reason, leaf.not_after)
    database.execute(
        "INSERT OR REPLACE INTO revocations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, order.by, after.invalidity),
    )
    _note(database, leaf, order, after, "")
    return after.revoked_at


def release(database: sqlite3.Connection, authority: str, serial: str, order: Order, evidence: str) -> bool:
    """End a hold: the certificate leaves the list (removeFromCRL, RFC 5280 5.3.1, is for delta CRLs).

    Gives False when it is not on hold. `evidence` (JSON) stays in `changes`, with all that was before.
    """
    query = """SELECT authority, serial, issuer, not_after FROM revocations
               WHERE authority = ? AND serial = ? AND reason = ?"""
    found = database.execute(query, (authority, serial, HOLD)).fetchone()
    before = _state(database, authority, serial)
    if found is None or before is None:
        return False
    leaf = _Leaf(*found)
    entries.replace(database, leaf.issuer, leaf.not_after, _line(leaf, before), b"")
    database.execute("DELETE FROM revocations WHERE authority = ? AND serial = ?", (authority, serial))
    _note(database, leaf, order, before._replace(reason=""), evidence)
    return True


def _state(database: sqlite3.Connection, authority: str, serial: str) -> _State | None:
    query = "SELECT revoked_at, reason, invalidity FROM revocations WHERE authority = ? AND serial = ?"
    found = database.execute(query, (authority, serial)).fetchone()
    return _State(*found) if found else None


def _line(leaf: _Leaf, state: _State) -> bytes:
    return entries.encoded(leaf.serial, state.revoked_at, state.reason, state.invalidity)


def _note(database: sqlite3.Connection, leaf: _Leaf, order: Order, state: _State, evidence: str) -> None:
    database.execute(
        """INSERT INTO changes (authority, serial, at, reason, revoked_at, invalidity, said_by, evidence)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (leaf.authority, leaf.serial, order.at, state.reason, state.revoked_at, state.invalidity, order.by)
        + (evidence,),
    )


def changes(database: sqlite3.Connection, since: int, limit: int) -> list[Change]:
    """The first `limit` steps after number `since`, oldest first."""
    found = database.execute(_CHANGES + "WHERE id > ? ORDER BY id LIMIT ?", (since, limit))
    return [Change(*row) for row in found]


def last(database: sqlite3.Connection, authority: str) -> int:
    """The number of the last step of `authority`, 0 for none."""
    query = "SELECT coalesce(max(id), 0) FROM changes WHERE authority = ?"
    return int(database.execute(query, (authority,)).fetchone()[0])


def reason_of(database: sqlite3.Connection, authority: str, serial: str) -> str:
    """Why it is revoked or on hold, "" when it is neither."""
    found = _state(database, authority, serial)
    return found.reason if found else ""


def serial_of(database: sqlite3.Connection, number: int) -> str:
    """The serial number that step `number` was about, "" when there is no such step."""
    found = database.execute("SELECT serial FROM changes WHERE id = ?", (number,)).fetchone()
    return str(found[0]) if found else ""
