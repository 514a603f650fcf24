"""What people type to find a certificate: words of its names, a serial number, a fingerprint, four words."""

import re
from typing import Protocol
from uuid import UUID

from django.db.models import Q, QuerySet

from pki import search_words
from pki.models import Certificate, CertificateWord
from pki.signer.protocol import AUTHORITIES
from pki.words import WORDS

FEW = 500  # so many are sorted here
SAME = 100  # certificates of one key, or of one beginning of a number
TYPED = 5  # words
STEP = 100  # words' entries that are looked at together
WALKED = 2000  # for one page: however rare the rest of what is asked for, a page takes its time and no more
DIGITS = re.compile(r"[0-9a-f]{8,64}")


class Named(Protocol):
    """What is looked at of a row."""

    @property
    def owner(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def sans(self) -> list[str]: ...


def key_prefix(text: str) -> str:
    """Hex digits a key's digest begins with: from a fingerprint, or from the four words (11 bits each)."""
    words = text.lower().split()
    if len(words) == 4 and all(word in WORDS for word in words):
        bits = "".join(f"{WORDS.index(word):011b}" for word in words)
        return f"{int(bits, 2):011x}"
    return digits_of(text)


def digits_of(text: str) -> str:
    """The hex digits of a serial number or fingerprint, with or without blanks and colons; "" for neither."""
    digits = re.sub(r"[\s:]", "", text.lower()).removeprefix("0x")
    return digits if DIGITS.fullmatch(digits) else ""


def few(q: str, owners: tuple[str, ...] | None, people: tuple[str, ...]) -> set[UUID] | None:
    """All that may fit by a word or a person, FEW or a little more; None when there are too many."""
    if owners is not None:
        own = set(_ids(Certificate.objects.filter(owner__in=owners)))
        if len(own) <= FEW:
            return own
    typed = _typed(q)
    found = [list(_entries(word).values_list("certificate_id", flat=True)[: FEW + 1]) for word in typed]
    rarest = min(found, key=len, default=[])
    if len(rarest) > FEW:
        return None
    return set(rarest) | set(_ids(Certificate.objects.filter(owner__in=people)))


def fits(row: Named, q: str, people: tuple[str, ...]) -> bool:
    """Whether each word that was typed begins one of the row's; or it is the person."""
    if row.owner in people:
        return True
    words, typed = search_words.of(row.subject, row.sans), _typed(q)
    return bool(typed) and all(any(word.startswith(part) for word in words) for part in typed)


class Walk:
    """Through all entries of the rarest word's beginning, in order; STEP at a time, WALKED at most."""

    def __init__(self, q: str, after: str) -> None:
        typed = _typed(q)
        self.q, self.left = q, WALKED
        self.prefix = min(typed, key=lambda word: _entries(word)[: 20 * FEW].count())
        self.last = place(after, self.prefix)
        self.over = False
        self._end: tuple[str, UUID] | None = None

    def step(self) -> list[tuple[str, UUID]]:
        found = _entries(self.prefix)
        if self.last is not None:
            word, pk = self.last[0].encode(), self.last[1]
            found = found.filter(word__gte=word).filter(Q(word__gt=word) | Q(certificate_id__gt=pk))
        self.left -= STEP
        if self.over or self.left < 0:
            return []
        ordered = found.order_by("word", "certificate_id").values_list("word", "certificate_id")
        rows = [(bytes(word).decode(), pk) for word, pk in ordered[:STEP]]
        self.over = len(rows) < STEP
        self._end = rows[-1] if rows else self.last
        return rows

    def passed(self, word: str, pk: UUID) -> None:
        self.last = (word, pk)

    def takes(self, row: Named, word: str) -> bool:
        """Once for each row, though several of its words may begin alike."""
        alike = [other for other in search_words.of(row.subject, row.sans) if other.startswith(self.prefix)]
        return word == min(alike, key=str.encode, default=word) and fits(row, self.q, ())

    def place(self) -> str:
        """Where to go on; "" at the end."""
        if self.last is None or (self.over and self.last == self._end):
            return ""
        return f"{self.last[0]}_{self.last[1]}"


def place(after: str, prefix: str) -> tuple[str, UUID] | None:
    """The word, with `prefix`, and the certificate where a page of a walk ended; None for anything else."""
    word, _, pk = after.replace("\0", "").rpartition("_")
    try:
        return (word, UUID(pk)) if word.startswith(prefix) else None
    except ValueError:
        return None


def _typed(q: str) -> list[str]:
    return search_words.split(q)[:TYPED]


def _entries(prefix: str) -> QuerySet[CertificateWord]:
    """No byte of UTF-8 is 0xFF: a range, and not startswith, which no index answers."""
    first = prefix.encode()
    return CertificateWord.objects.filter(word__gte=first, word__lt=first + b"\xff")


def by_number(q: str) -> set[UUID]:
    """By serial number, certificate's or key's fingerprint, each from its beginning; or by the four words."""
    prefix = key_prefix(q)
    found: set[UUID] = set()
    if not prefix:
        return found
    end = f"{prefix}g"
    found.update(_ids(Certificate.objects.filter(key_sha256__gte=prefix, key_sha256__lt=end), SAME))
    found.update(_ids(Certificate.objects.filter(fingerprint__gte=prefix, fingerprint__lt=end), SAME))
    serial = prefix.lstrip("0") or "0"
    for authority in AUTHORITIES:  # each a stretch of the one index there is
        same = Certificate.objects.filter(authority=authority, serial__gte=serial, serial__lt=f"{serial}g")
        found.update(_ids(same, SAME))
    return found


def _ids(found: QuerySet[Certificate], most: int = FEW + 1) -> list[UUID]:
    return list(found.order_by().values_list("pk", flat=True)[:most])
