"""Four words from a digest."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from pki.words import WORDS, words


def test_the_first_and_the_last_digest() -> None:
    assert words("0" * 64) == ("abandon",) * 4
    assert words("f" * 64) == ("zoo",) * 4


def test_they_are_the_first_four_words_of_the_bip_39_sentence() -> None:
    digest = hashlib.sha256(b"latchkey").digest()
    assert list(words(digest.hex())) == Mnemonic("english").to_mnemonic(digest).split()[:4]


@given(st.binary(min_size=32, max_size=32))
def test_the_words_stand_for_exactly_the_first_44_bits(digest: bytes) -> None:
    bits = 0
    for word in words(digest.hex()):
        bits = bits << 11 | WORDS.index(word)
    assert bits == int.from_bytes(digest, "big") >> (256 - 44)


@pytest.mark.parametrize("digest", ["", "abc", "g" * 64, "0" * 63, "0" * 128])
def test_something_else_than_a_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="hex"):
        words(digest)


def test_the_list_has_2048_words_told_apart_by_four_letters() -> None:
    assert len(WORDS) == len({word[:4] for word in WORDS}) == 2048
