"""BER in, DER out; and what is neither is refused fast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki import ber, der
from pki.errors import MessageRejected
from tests.pki.bad_csrs import nested
from tests.pki.scep_client import indefinite, pieces
from tests.pki.shapes import integer, oid, request, sequence, tlv


def code(data: bytes) -> str:
    with pytest.raises(MessageRejected) as rejected:
        ber.parse(data)
    return rejected.value.code


def to_der(data: bytes) -> bytes:
    return ber.parse(data).der


def test_der_stays_as_it_is() -> None:
    for good in (request(), sequence(), sequence(integer(1), tlv(4, bytes(70_000))), tlv(0xA0, oid("1.2"))):
        assert to_der(good) == good


def test_indefinite_lengths_become_definite() -> None:
    assert to_der(indefinite(0x30, integer(1), indefinite(0xA0, integer(2)))) == sequence(
        integer(1), tlv(0xA0, integer(2))
    )
    assert to_der(indefinite(0x31)) == b"\x31\0"


def test_long_lengths_become_short() -> None:
    assert to_der(b"\x30\x84\0\0\0\x04\x04\x82\0\0") == b"\x30\x02\x04\0"


def test_strings_in_pieces_are_joined_also_when_the_pieces_are_in_pieces() -> None:
    assert to_der(pieces(0x24, bytes(1000))) == tlv(4, bytes(1000))
    assert to_der(tlv(0x24, tlv(4, b"ab"), pieces(0x24, b"cd", 1))) == tlv(4, b"abcd")
    assert to_der(b"\x24\0") == b"\x04\0"


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x80\0",
        b"\x30\x80\0\0more",
        b"\x30\x03\x30\x80\0",  # the end marker lies outside
        b"\x30\x04\x30\x80\0\0\0\0",
        b"\x30\x02\0\0",  # an end marker where none belongs
        b"\x04\x80\0\0",  # what is primitive has no indefinite length (X.690 8.1.3.2)
        b"\x30\x85\0\0\0\0\0",
        b"\x1f\x81\x01\0",
        b"\x10\0",  # SEQUENCE without parts is constructed all the same
        b"\x22\0",
        tlv(0x24, tlv(2, b"1")),
        tlv(0x23, tlv(3, b"\0")),
        b"\x30\x03\x02\x05\x01",
        b"\x02\x05\x01",
    ],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    assert code(garbage) == "damaged"


def test_depth_number_and_size_are_limited() -> None:
    assert to_der(nested(der.MAX_DEPTH)) == nested(der.MAX_DEPTH)
    assert code(nested(der.MAX_DEPTH + 1)) == "nested"
    assert code(b"\x30\x80" * 50_000) == "nested"
    assert code(sequence(b"\5\0" * ber.MAX_ELEMENTS)) == "nested"
    assert code(b"\x30\x80" * 500_000) == "too-large"
    assert code(nested(200_000)) == "too-large"


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda inner: indefinite(0x30, inner)))
def test_any_bytes_become_der_or_are_refused(data: bytes) -> None:
    try:
        found = to_der(data)
    except MessageRejected as rejected:
        assert rejected.code in ("damaged", "nested")
    else:
        der.check(found)
        assert to_der(found) == found
