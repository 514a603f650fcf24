"""Four words for a public key, to be compared by telephone or across a table."""

from mnemonic import Mnemonic

# BIP 39: 2,048 English words, distinct in their first four letters.
WORDS: tuple[str, ...] = tuple(Mnemonic("english").wordlist)


def words(key_sha256: str) -> tuple[str, str, str, str]:
    """SHA-256 of a SubjectPublicKeyInfo (64 hex digits) -> the words for its first 44 bits, eleven bits each.

    44 bits: another key with the same words takes some 10^13 tries, before the two people have compared.
    Raises ValueError when it is not such a digest.
    """
    if len(key_sha256) != 64:
        raise ValueError("not a SHA-256 digest in hex")
    bits = int.from_bytes(bytes.fromhex(key_sha256)[:6], "big") >> 4
    return WORDS[bits >> 33], WORDS[bits >> 22 & 2047], WORDS[bits >> 11 & 2047], WORDS[bits & 2047]
