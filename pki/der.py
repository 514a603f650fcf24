"""As much DER (X.690) as it takes to look before a parser does, and to write what no library writes."""

from datetime import datetime

MAX_DEPTH = 32  # a request with nested directory names in its SAN reaches about 15

INTEGER, BIT_STRING, OCTET_STRING, OID, ENUMERATED = 0x02, 0x03, 0x04, 0x06, 0x0A
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
UTF8_STRING, PRINTABLE_STRING, SEQUENCE, SET = 0x0C, 0x13, 0x30, 0x31
NULL = b"\x05\x00"
_CONSTRUCTED, _LONG_TAG = 0x20, 0x1F


class BadDER(ValueError):
    """`code` says what is wrong: "truncated", "nested" or "damaged"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def header(der: bytes, at: int) -> tuple[int, int, int]:
    """The element at offset `at`: (first tag byte, where its content starts, where it ends); raises BadDER.

    The end may lie beyond the data: that is for the caller to judge.
    """
    try:
        tag = der[at]
        at += 1
        if tag & _LONG_TAG == _LONG_TAG:  # X.690 8.1.2.4: more tag bytes follow while bit 8 is set
            while der[at] & 0x80:
                at += 1
            at += 1
        length = der[at]
    except IndexError:
        raise BadDER("truncated") from None
    at += 1
    if length < 0x80:
        return tag, at, at + length
    size = length & 0x7F
    if not 1 <= size <= 4:  # 0 is BER's indefinite length, which DER forbids (X.690 10.1)
        raise BadDER("damaged")
    return tag, at + size, at + size + int.from_bytes(der[at : at + size], "big")


def check(der: bytes) -> None:
    """Returns when `der` is exactly one element whose parts fit into each other; raises BadDER otherwise."""
    _, _, end = header(der, 0)
    if end != len(der):
        raise BadDER("truncated" if end > len(der) else "damaged")
    at, ends = 0, [end]
    while at < end:
        tag, start, stop = header(der, at)
        if stop > ends[-1]:
            raise BadDER("damaged")
        if tag & _CONSTRUCTED:
            ends.append(stop)
            if len(ends) > MAX_DEPTH:
                raise BadDER("nested")
            at = start
        else:
            at = stop
        while len(ends) > 1 and at == ends[-1]:
            ends.pop()


def children(der: bytes, at: int = 0, limit: int = 3) -> list[tuple[int, int, int]]:
    """Headers of the first `limit` elements inside the one at `at`, as far as the data goes; never raises."""
    found: list[tuple[int, int, int]] = []
    try:
        _, at, end = header(der, at)
        while at < end and len(found) < limit:
            element = header(der, at)
            found.append(element)
            at = element[2]
    except BadDER:
        pass
    return found


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element (X.690 8.1, 10.1): a length below 128 in one byte, else how many bytes, then these."""
    content = b"".join(parts)
    return head(tag, len(content)) + content


def head(tag: int, size: int) -> bytes:
    """The beginning of an element whose content of `size` bytes comes from elsewhere."""
    if size < 0x80:
        return bytes((tag, size))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length


def sequence(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """SET OF, its elements in the order of their encodings (X.690 11.6)."""
    return tlv(SET, *sorted(parts))


def integer(value: int) -> bytes:
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(content: bytes) -> bytes:
    return tlv(OCTET_STRING, content)


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER (X.690 8.19): base 128, the first two arcs in one."""
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return tlv(OID, bytes(content))


def time_of(moment: datetime) -> bytes:
    """Time as RFC 5280 4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime after; whole seconds, UTC."""
    if moment.year < 2050:
        return tlv(UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return generalized_time(moment)


def generalized_time(moment: datetime) -> bytes:
    return tlv(GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())
