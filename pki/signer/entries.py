"""The lines of CRLs (RFC 5280 5.1.2.6), kept as they are sent: encoded, in pieces by the day of expiry.

A CRL of a million is then read, hashed and signed, not built; a revocation rewrites one piece; and what has
expired goes by the day. The table `revocations` stays the original.
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from pki import der

DAY = 86400  # seconds
PIECE = 16 * 1024  # bytes; a revocation writes one, and a million of them are some 2,000
HOLD = "certificateHold"
COMPROMISED = frozenset({"keyCompromise", "cACompromise"})
# Reasons that count for what renewed a certificate as well. The old key alone vouched for the new one: who
# stole it could renew; and a device that should not have access has none by its next one.
ENDS_ALL = COMPROMISED | {"cessationOfOperation", "affiliationChanged", "privilegeWithdrawn"}
REASON_NUMBERS = {  # RFC 5280 5.3.1; unspecified is said by leaving the reason out
    "keyCompromise": 1,
    "cACompromise": 2,
    "affiliationChanged": 3,
    "superseded": 4,
    "cessationOfOperation": 5,
    HOLD: 6,
    "privilegeWithdrawn": 9,
    "aACompromise": 10,
}
_REASON_OID, _INVALIDITY_OID = der.oid("2.5.29.21"), der.oid("2.5.29.24")

# As part of the journal's migrations. What was revoked before gets a piece each.
TABLES = """
    CREATE TABLE crl_pieces (
        issuer TEXT NOT NULL,
        day INTEGER NOT NULL,               -- of notAfter, counted from 1970, UTC
        piece INTEGER NOT NULL,
        entries BLOB NOT NULL,              -- revokedCertificates, DER, one after the other
        PRIMARY KEY (issuer, day, piece)
    ) STRICT;
    INSERT INTO crl_pieces SELECT issuer, not_after / 86400, row_number() OVER (), crl_entry(serial,
        revoked_at, reason, invalidity) FROM revocations;
"""


def encoded(serial: str, at: int, reason: str, invalidity: int | None) -> bytes:
    """One line. `serial` in hex, moments in seconds since 1970."""
    extensions = []
    if reason in REASON_NUMBERS:
        extensions.append(_extension(_REASON_OID, der.tlv(der.ENUMERATED, bytes([REASON_NUMBERS[reason]]))))
    if invalidity is not None:  # RFC 5280 5.3.2
        extensions.append(_extension(_INVALIDITY_OID, der.generalized_time(_moment(invalidity))))
    more = (der.sequence(*extensions),) if extensions else ()
    return der.sequence(der.integer(int(serial, 16)), der.time_of(_moment(at)), *more)


def _extension(oid: bytes, value: bytes) -> bytes:
    return der.sequence(oid, der.octets(value))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def put(database: sqlite3.Connection, issuer: str, not_after: int, line: bytes) -> None:
    """Add a line to the last piece of its day, or to a new one."""
    day = not_after // DAY
    query = """SELECT piece, entries FROM crl_pieces WHERE issuer = ? AND day = ?
               ORDER BY piece DESC LIMIT 1"""
    piece, before = database.execute(query, (issuer, day)).fetchone() or (0, b"")
    if len(before) + len(line) > PIECE:
        piece, before = piece + 1, b""
    database.execute(
        "INSERT OR REPLACE INTO crl_pieces VALUES (?, ?, ?, ?)", (issuer, day, piece, before + line)
    )


def replace(database: sqlite3.Connection, issuer: str, not_after: int, old: bytes, new: bytes) -> None:
    """Put `new`, which may be empty, in the place of the line `old`."""
    where = (issuer, not_after // DAY)
    query = "SELECT rowid, entries FROM crl_pieces WHERE issuer = ? AND day = ? AND instr(entries, ?) > 0"
    for rowid, entries in database.execute(query, (*where, old)).fetchall():
        changed = (entries.replace(old, new, 1), rowid)
        database.execute("UPDATE crl_pieces SET entries = ? WHERE rowid = ?", changed)


def size(database: sqlite3.Connection, issuer: str, after: int) -> int:
    """Bytes of all lines of `issuer` whose day of expiry ends after `after`."""
    query = "SELECT coalesce(sum(length(entries)), 0) FROM crl_pieces WHERE issuer = ? AND day >= ?"
    return int(database.execute(query, (issuer, after // DAY)).fetchone()[0])


def pieces(database: sqlite3.Connection, issuer: str, after: int) -> Iterator[bytes]:
    """These lines, in the order in which they expire."""
    query = "SELECT entries FROM crl_pieces WHERE issuer = ? AND day >= ? ORDER BY day, piece"
    for (entries,) in database.execute(query, (issuer, after // DAY)):
        yield entries


def drop(database: sqlite3.Connection, issuer: str, until: int) -> None:
    """Forget the lines of days that were over at `until`."""
    database.execute("DELETE FROM crl_pieces WHERE issuer = ? AND day < ?", (issuer, until // DAY))
