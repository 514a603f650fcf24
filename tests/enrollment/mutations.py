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
    """DER or PEM. One of five is signed again, so that it gets past the signature."""
    data = source.choice(originals())
    kind = source.randrange(10)
    if kind < 2:
        return _signed(_flipped(_body(data), source))
    if kind < 8:
        return _damaged(data, source)
    if kind == 8:
        return shapes.pem(_damaged(data, source))
    return _damaged(shapes.pem(data), source)


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
