"""BER (X.690 8) -> a tree that encodes itself as DER. Phones send CMS in BER: RFC 5652 demands no DER.

Lengths may be indefinite (8.1.3.6) or longer than need be, and an OCTET STRING may come in pieces (8.7.3).
Left alone are the order of a SET's elements and the content of everything primitive. An implicitly tagged
string in pieces ([0] constructed) looks like any other [0]: only the one who knows the schema can join it.
Size, depth and number of elements are bounded, and time is linear in them.
"""

from dataclasses import dataclass

from pki import der
from pki.failinfo import refusal

MAX_BYTES = 128 * 1024  # a CSR of 64 KiB, enciphered and signed
MAX_ELEMENTS = 5000  # a message with two certificates has about 300

_CONSTRUCTED = 0x20
_IN_PIECES = der.OCTET_STRING | _CONSTRUCTED
_END = b"\0\0"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its identifier byte, and its content when primitive or its parts when constructed."""

    tag: int
    content: bytes = b""
    parts: "tuple[Element, ...]" = ()

    @property
    def der(self) -> bytes:
        """This element in DER, tag and length included."""
        return der.tlv(self.tag, self.content, *(part.der for part in self.parts))

    def has(self, tag: int) -> "Element":
        """Itself, when it has this tag; raises MessageRejected otherwise."""
        if self.tag != tag:
            raise refusal("damaged")
        return self


def parse(data: bytes) -> Element:
    """Exactly one BER element; raises MessageRejected (too-large, nested, damaged) and nothing else."""
    if len(data) > MAX_BYTES:
        raise refusal("too-large")
    element, end = _Parser(data).element(0, len(data), 1)
    if end != len(data):
        raise refusal("damaged")
    return element


class _Parser:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = MAX_ELEMENTS

    def element(self, at: int, end: int, depth: int) -> tuple[Element, int]:
        """The element at `at`, and where it ends: by `end` at the latest."""
        self.left -= 1
        if self.left < 0 or depth > der.MAX_DEPTH:
            raise refusal("nested")
        tag, start, stop = self._header(at, end)
        if not tag & _CONSTRUCTED:
            return Element(tag, self.data[start:stop]), stop
        parts, stop = self._parts(start, end if stop < 0 else stop, depth, closed=stop < 0)
        return _constructed(tag, parts), stop

    def _header(self, at: int, end: int) -> tuple[int, int, int]:
        """(tag, start, stop) of the content; stop is -1 for an indefinite length."""
        if self.data[at + 1 : at + 2] == b"\x80" and self.data[at] & _CONSTRUCTED:
            return _sound(self.data[at]), at + 2, -1
        try:
            tag, start, stop = der.header(self.data, at)
        except der.BadDER as error:
            raise refusal("damaged") from error
        if not start <= stop <= end:
            raise refusal("damaged")
        return _sound(tag), start, stop

    def _parts(self, at: int, end: int, depth: int, closed: bool) -> tuple[tuple[Element, ...], int]:
        """The elements from `at` on, and where they end: at the end marker when `closed`, else at `end`."""
        parts: list[Element] = []
        while True:
            if closed and self.data[at : at + 2] == _END and at + 2 <= end:
                return tuple(parts), at + 2
            if at == end:
                if closed:
                    raise refusal("damaged")
                return tuple(parts), at
            part, at = self.element(at, end, depth + 1)
            parts.append(part)


def _sound(tag: int) -> int:
    """The tag, if CMS knows such: no numbers above 30, no end marker where none belongs, SEQUENCE and SET
    with parts, and of the strings only OCTET STRING in pieces (nobody sends the others so)."""
    number, universal = tag & 0x1F, tag < 0x40
    nested = bool(tag & _CONSTRUCTED)
    if number == 0x1F or tag == 0:
        raise refusal("damaged")
    if universal and nested != (number in (0x10, 0x11)) and tag != _IN_PIECES:
        raise refusal("damaged")
    return tag


def _constructed(tag: int, parts: tuple[Element, ...]) -> Element:
    if tag != _IN_PIECES:
        return Element(tag, parts=parts)
    return Element(der.OCTET_STRING, b"".join(part.has(der.OCTET_STRING).content for part in parts))
