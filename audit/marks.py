"""What the trail says of its own fading: how far it came, and a digest of what is left of old lines."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from audit import chain
from audit.models import AuditEvent

ACTION = "audit.faded"


@dataclass(frozen=True)
class Marks:
    """`reached`: the last line that may have faded. `sealed`: first and last line of what has faded together,
    where the lines without commitments are still what they were right after it."""

    reached: int
    sealed: tuple[tuple[int, int], ...]

    def fit(self, event: AuditEvent) -> bool:
        """Whether nobody changed this line, apart from letting it fade in its time."""
        if not event.commitment:
            within = any(first <= event.sequence <= last for first, last in self.sealed)
            return (within and not event.salt) or chain.is_whole(event)
        if event.salt or not chain.is_whole(event):
            return chain.is_whole(event)
        return event.sequence <= self.reached and chain.has_faded(event)


def read() -> Marks:
    """As the trail says now. Whether these lines are what they were is for the chain to show."""
    reached, sealed = 0, []
    for detail in _details():
        first, last = detail.get("first"), detail.get("last")
        if first != reached + 1 or not isinstance(last, int) or last < first:
            continue
        reached = last
        if "digest" in detail and detail["digest"] == digest_of_old(first, last):
            sealed.append((first, last))
    return Marks(reached, tuple(sealed))


def _details() -> Iterator[dict[str, object]]:
    """Of the lines about fading, in order, up to the first that is too damaged to be read."""
    noted = AuditEvent.objects.filter(action=ACTION).order_by("sequence").values_list("detail", flat=True)
    try:
        yield from takewhile(lambda detail: isinstance(detail, dict), noted.iterator(chunk_size=500))
    except (ValueError, TypeError):
        return


def digest_of_old(first: int, last: int) -> str:
    """SHA-256, hex, over what there is of the lines from `first` to `last` that have no commitment; "" for
    none, or when they are too damaged to be read."""
    old = AuditEvent.objects.filter(sequence__range=(first, last), commitment="").order_by("sequence")
    return _digest(old.iterator(chunk_size=500))


def _digest(lines: Iterable[AuditEvent]) -> str:
    found, count = hashlib.sha256(), 0
    try:
        for count, event in enumerate(lines, start=1):  # noqa: B007 the count is what is used afterwards
            found.update(chain.left_of(event))
    except (ValueError, TypeError, OverflowError, AttributeError):
        return ""
    return found.hexdigest() if count else ""
