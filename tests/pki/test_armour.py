"""Finding the one request in what somebody sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki import armour
from pki.errors import CSRRejected
from tests.pki.bad_csrs import BAD
from tests.pki.shapes import pem, request


@given(st.binary(max_size=300) | st.lists(st.sampled_from(list(pem(request()).split(b" ")))).map(b" ".join))
def test_any_bytes_give_bytes_or_a_rejection(data: bytes) -> None:
    try:
        assert armour.unpack(data)
    except CSRRejected as rejected:
        assert rejected.remedy


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_the_encodings_of_windows_are_read(encoding: str) -> None:
    assert armour.unpack(pem(request()).decode().encode(encoding)) == request()


def test_exactly_64_kib_are_read_and_one_byte_more_is_not() -> None:
    padded = pem(request()).ljust(armour.MAX_BYTES)
    assert armour.unpack(padded) == request()
    with pytest.raises(CSRRejected, match="64 KiB"):
        armour.unpack(padded + b" ")


@pytest.mark.parametrize(
    "title", [title for title in BAD if title.startswith("private key") and "DER" in title]
)
def test_private_keys_are_told_from_their_first_bytes(title: str) -> None:
    for size in (40, 60, 100):
        assert armour.instead(BAD[title]()[:size]) == "private-key"


def test_a_request_is_nothing_else() -> None:
    assert armour.instead(request()) is None
