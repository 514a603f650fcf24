"""What a line's digest covers. What may fade is covered by a commitment, so that the chain outlives it.

A commitment is the SHA-256 of what is private in a line and 128 random bits, which stand beside it. When the
private part fades, the random bits go too: the commitment then says nothing about what there was, and the
digest can still be recomputed. As long as both are there, a change to the private part shows.
"""

import hashlib
import json
import secrets
from datetime import UTC

from audit.models import AuditEvent

FADED = "faded"  # stands where something private was
# Who went through which door when is private as a whole; of every other line the address alone.
PRESSES = ("door.pressed",)


def commit(event: AuditEvent) -> None:
    """Commit to what is private in a new line, and sign for all of it with the digest."""
    event.salt = secrets.token_hex(16)
    event.commitment = commitment_of(event)
    event.digest = digest_of(event)


def commitment_of(event: AuditEvent) -> str:
    """SHA-256, hex, over salt and private part."""
    private: list[object] = [event.salt, event.address]
    if event.action in PRESSES:
        private += [event.actor, event.detail]
    return _sha256(private)


def digest_of(event: AuditEvent) -> str:
    """SHA-256, hex, over the line before and all fields in one canonical JSON encoding.

    A line that has no commitment was written before there were any; its digest covers the address itself.
    """
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    if not event.commitment:
        fields = [event.previous, event.sequence, at, event.actor, event.address, event.action, event.target]
        return _sha256([*fields, event.detail])
    fields = [2, event.previous, event.sequence, at, event.action, event.target, event.commitment]
    return _sha256(fields if event.action in PRESSES else [*fields, event.actor, event.detail])


def is_whole(event: AuditEvent) -> bool:
    """Whether the line's digest fits, and the private part, while it is there, is the one committed to."""
    try:
        if digest_of(event) != event.digest:
            return False
        return not event.salt or commitment_of(event) == event.commitment
    except TypeError:  # bytes where text was: SQLite stores anything in any column
        return False


def has_faded(event: AuditEvent) -> bool:
    """Whether the private part is gone: one that nobody can check is never shown as if it were there."""
    if event.salt or event.address != FADED:
        return False
    return event.action not in PRESSES or (event.actor == FADED and not event.detail)


def left_of(event: AuditEvent) -> bytes:
    """What there is of a line, for a digest of several."""
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [event.previous, event.digest, event.sequence, at, event.actor, event.address]
    return _json([*fields, event.action, event.target, event.detail]) + b"\n"


def _sha256(fields: list[object]) -> str:
    return hashlib.sha256(_json(fields)).hexdigest()


def _json(fields: list[object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")
