"""Good certification requests, damaged at random; the same ones for the same seed."""

import random
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki import armour, der
from tests.pki import shapes
from tests.pki.bad_csrs import GOOD

LONGEST = 2000  # bytes: in the big ones most places are alike


@cache
def originals() -> list[bytes]:
    """DER of the good requests, of every kind of key and with everything odd in them."""
    found = [armour.unpack(make()) for make in GOOD.values()]
    return [data for data in found if len(data) <= LONGEST]


def mutation(source: random.Random) -> bytes:
    """DER or PEM. One of six is signed again, so that it gets past the signature."""
    data = source.choice(originals())
    kind = source.randrange(13)
    if kind < 2:
        return _signed(_flipped(_body(data), source))
    if kind < 8:
        return _damaged(data, source)
    if kind == 8:
        return shapes.pem(_damaged(data, source))
    if kind == 9:
        return _damaged(shapes.pem(data), source)
    changed = (_cut, _with_other_length, _swapped)[kind - 10](data, source)
    return changed if source.random() < 0.7 else shapes.pem(changed)


def _body(data: bytes) -> bytes:
    """The part that is signed (RFC 2986 4.2)."""
    (_, start, end), *_ = der.children(data)
    return shapes.sequence(data[start:end])


def _signed(body: bytes) -> bytes:
    signature = shapes.p256().sign(body, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return shapes.sequence(body, shapes.sequence(shapes.oid("1.2.840.10045.4.3.2")), shapes.bits(signature))


def _flipped(data: bytes, source: random.Random) -> bytes:
    """One byte changed and nothing moved: the outer form mostly stays, so that what is inside gets read."""
    at = source.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << source.randrange(8)]) + data[at + 1 :]


def _damaged(data: bytes, source: random.Random) -> bytes:
    """One to three places changed: a bit, a byte, some bytes more, fewer, or of another request."""
    found = bytearray(data)
    for _ in range(source.randint(1, 3)):
        at, size = source.randrange(len(found) or 1), source.randint(1, 12)
        match source.randrange(6):
            case 0 | 1 if found:
                found[at] ^= 1 << source.randrange(8)
            case 2 if found:
                found[at] = source.choice((0, 1, 0x30, 0x7F, 0x80, 0xA0, 0xFF))
            case 3:
                found[at:at] = source.randbytes(size)
            case 4:
                del found[at : at + size]
            case _:
                other = source.choice(originals())
                found[at : at + size] = other[at : at + size]
    return bytes(found)


def _cut(data: bytes, source: random.Random) -> bytes:
    return data[: source.randrange(len(data))]


def _with_other_length(data: bytes, source: random.Random) -> bytes:
    """One element says that it is longer or shorter, or says it in another form (X.690 8.1.3)."""
    at, start, _ = source.choice(_elements(data))
    size = start - at - 1
    claimed = max(0, int.from_bytes(data[at + 1 : start], "big") + source.choice((-1, 1, 2, 16, 127, 128)))
    forms = (claimed.to_bytes(4, "big")[-size:], b"\x80", b"\x84\xff\xff\xff\xff", b"\x81\x01", b"\x85")
    return data[: at + 1] + source.choice(forms) + data[start:]


def _swapped(data: bytes, source: random.Random) -> bytes:
    """Two elements change places, whole: of one request, or with one of another."""
    other = source.choice((data, source.choice(originals())))
    first, second = source.choice(_elements(data)), source.choice(_elements(other))
    if other is data and first[2] <= second[0]:
        between = data[first[2] : second[0]]
        swapped = data[second[0] : second[2]] + between + data[first[0] : first[2]]
        return data[: first[0]] + swapped + data[second[2] :]
    return data[: first[0]] + other[second[0] : second[2]] + data[first[2] :]


def _elements(data: bytes) -> list[tuple[int, int, int]]:
    """Every element of a good request: where it begins, where its content does, and where it ends."""
    found, waiting = [], [0]
    while waiting:
        at = waiting.pop()
        tag, start, end = der.header(data, at)
        found.append((at, start, end))
        while tag & 0x20 and start < end:
            waiting.append(start)
            start = der.header(data, start)[2]
    return found
