"""Looking at DER before a parser does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki import der
from tests.pki.bad_csrs import nested
from tests.pki.shapes import integer, oid, request, sequence, tlv


def code(data: bytes) -> str:
    with pytest.raises(der.BadDER) as bad:
        der.check(data)
    return bad.value.code


def test_well_formed_elements_pass() -> None:
    for good in (
        request(),
        integer(5),
        oid("1.2.840"),
        sequence(),
        sequence(integer(1), tlv(4, bytes(70_000))),
    ):
        der.check(good)
    der.check(b"\x1f\x81\x01\0")  # a tag of several bytes


def test_what_is_wrong_is_named() -> None:
    assert code(b"") == code(b"\x30") == code(b"\x30\x82\x10") == "truncated"
    assert code(sequence(integer(5))[:-1]) == "truncated"
    assert code(integer(5) + b"more") == "damaged"
    assert code(b"\x30\x80\0\0") == code(b"\x30\x85\0\0\0\0\0") == "damaged"
    assert code(b"\x30\x03\x02\x05\x01") == "damaged"  # an inner element that is longer than the outer


def test_depth_is_limited() -> None:
    der.check(nested(der.MAX_DEPTH - 1))
    assert code(nested(der.MAX_DEPTH + 1)) == "nested"


def test_children_are_told_as_far_as_they_go() -> None:
    three = sequence(integer(1), oid("1.2"), sequence())
    assert [tag for tag, _, _ in der.children(three)] == [der.INTEGER, der.OID, der.SEQUENCE]
    assert [tag for tag, _, _ in der.children(three[:7])] == [der.INTEGER, der.OID]
    assert der.children(b"") == []


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda inner: sequence(inner)))
def test_any_bytes_pass_or_are_bad_der(data: bytes) -> None:
    try:
        der.check(data)
    except der.BadDER as bad:
        assert bad.code in ("truncated", "nested", "damaged")
    der.children(data)
