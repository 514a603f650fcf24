"""The only writer of the audit trail, and its reader for proof: a chain of SHA-256 digests.

Each line's digest covers the line before, so an edit, a gap or a changed order shows (audit/chain.py). That
lines were cut off at the end shows against a head published elsewhere: the CRLs carry it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from audit import chain, marks, reading
from audit.models import AuditEvent, AuditHead

EMPTY = "0" * 64
LINES_MISSING = "audit.lines-missing"  # a head that was published once is not in the trail any more


@dataclass(frozen=True)
class Verdict:
    """What `verify` found. `broken_at` is the number of the first line that does not fit, or None."""

    count: int  # lines that fit, from the beginning
    broken_at: int | None
    head: str  # hex digest of the last line that fits


def record(
    action: str,
    *,
    actor: str = "",
    address: str = "",
    target: str = "",
    detail: Mapping[str, object] | None = None,
) -> AuditEvent:
    """Append one line; part of the caller's transaction, so what did not happen leaves no line.

    Call it last in the transaction: it locks the chain's head until the commit. `detail` may hold text,
    numbers, booleans, lists and mappings; anything else is stored as its `str`. Text longer than its column
    is cut; control characters are kept as data, so pages and exports escape them.
    """
    with transaction.atomic(savepoint=False):
        head, _ = AuditHead.objects.select_for_update().get_or_create(pk=1)
        event = AuditEvent(
            sequence=head.sequence + 1,
            at=timezone.now(),
            actor=_storable(actor)[:150],
            address=_storable(address)[:64],
            action=action,
            target=_storable(target)[:200],
            detail=_plain(detail or {}),
            previous=head.digest,
        )
        chain.commit(event)
        event.save(force_insert=True)
        AuditHead.objects.filter(pk=1).update(sequence=event.sequence, digest=event.digest)
    return event


def head() -> str:
    """Hex digest of the last line; 64 zeros while there is none."""
    found = AuditHead.objects.filter(pk=1).values_list("digest", flat=True).first()
    return found or EMPTY


def contains(digest: str) -> bool:
    """Whether a head that was published earlier is still part of the trail; the empty one always is."""
    return digest == EMPTY or AuditEvent.objects.filter(digest=digest).exists()


def verify() -> Verdict:
    """Recompute every digest from the first line on, a chunk in memory at a time."""
    count, expected, faded = 0, EMPTY, marks.read()
    for event in _lines():
        whole = event is not None and event.sequence == count + 1 and event.previous == expected
        if event is not None and whole and not faded.fit(event):
            faded = marks.read()  # lines may have faded since it was read, and since we began
            event.refresh_from_db()
        if event is None or not whole or not faded.fit(event):
            return Verdict(count, count + 1, expected)
        count, expected = count + 1, event.digest
    stored = AuditHead.objects.filter(pk=1).first() or AuditHead()
    intact = (stored.sequence, stored.digest) == (count, expected)
    return Verdict(count, None if intact else count + 1, expected)


def _lines() -> Iterator[AuditEvent | None]:
    """The lines in order; None for one that was damaged so much that it cannot even be read."""
    return (line.event for line in reading.oldest_first(AuditEvent.objects.all()))


def _plain(value: object) -> object:
    """`value` as JSON that every database gives back unchanged: no floats, no NUL."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {_storable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_storable(str(item)) for item in value)
    return _storable(str(value))


def _storable(text: str) -> str:
    """PostgreSQL stores neither NUL nor lone surrogates; both become the replacement character."""
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)
