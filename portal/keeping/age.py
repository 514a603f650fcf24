"""Files in the age format, version 1, encrypted to a passphrase (C2SP, age.md), read and written as a stream.

`age -d FILE` opens them anywhere. The primitives are the library cryptography's; here is only their order.
"""

import hashlib
import hmac
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

VERSION = b"age-encryption.org/v1"
WORK = 18  # scrypt's N is 2 to this, age's own default: 256 MB and a second for each guess
MOST_WORK = 20  # what is refused before it takes all of this machine's memory
CHUNK = 64 * 1024  # bytes of plaintext under one tag
TAG = 16  # bytes
# Strict as the format demands: one recipient, nothing else (a scrypt stanza stands alone).
_HEADER = re.compile(
    rb"age-encryption\.org/v1\n-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n"
    rb"--- ([A-Za-z0-9+/]{43})\n"
)
_LONGEST = 200  # bytes; a header of this kind has less


class Unreadable(Exception):
    """The file cannot be opened: a sentence that says why, as far as anybody can tell."""


def seal(plain: Iterable[bytes], target: IO[bytes], passphrase: str) -> None:
    """Write `plain` to `target`, encrypted to `passphrase`. Raises what either end raises."""
    file_key, salt = os.urandom(16), os.urandom(16)
    body = ChaCha20Poly1305(_wrapping(passphrase, salt, WORK)).encrypt(bytes(12), file_key, None)
    header = VERSION + b"\n-> scrypt %s %d\n%s\n---" % (_text(salt), WORK, _text(body))
    target.write(header + b" " + _text(_mac(file_key, header)) + b"\n")
    nonce = os.urandom(16)
    target.write(nonce)
    cipher = _cipher(file_key, nonce)
    for number, (chunk, last) in enumerate(_chunked(plain)):
        target.write(cipher.encrypt(_nonce(number, last), chunk, None))


def opened(source: IO[bytes], passphrase: str) -> Iterator[bytes]:
    """The plaintext, piece by piece; each piece is authentic, and the end is only reached when it is the end.

    Raises Unreadable.
    """
    cipher = _cipher(_file_key(source, passphrase), source.read(16))
    number, sealed = 0, source.read(CHUNK + TAG)
    while True:
        following = source.read(CHUNK + TAG) if len(sealed) == CHUNK + TAG else b""
        try:
            chunk = cipher.decrypt(_nonce(number, not following), sealed, None)
        except InvalidTag:
            raise Unreadable("The file is damaged or not complete. Take another copy of it.") from None
        if not chunk and number:
            raise Unreadable("The file is damaged: nothing may follow its end.")
        yield chunk
        if not following:
            return
        number, sealed = number + 1, following


def _file_key(source: IO[bytes], passphrase: str) -> bytes:
    """The key that the header holds for whoever knows the passphrase. Leaves `source` behind the header."""
    header = b"".join(source.readline(_LONGEST) for _ in range(4))
    found = _HEADER.fullmatch(header)
    if found is None:
        raise Unreadable(
            "This is no backup, or its beginning is damaged: a file in the age format is expected."
        )
    if (work := int(found[2])) > MOST_WORK:
        raise Unreadable("The file's beginning is damaged, or asks for more memory than it may.")
    try:
        wrapping = _wrapping(passphrase, _bytes(found[1]), work)
        file_key = ChaCha20Poly1305(wrapping).decrypt(bytes(12), _bytes(found[3]), None)
    except InvalidTag:
        raise Unreadable("The passphrase is wrong, or the file's beginning is damaged.") from None
    mac = _mac(file_key, header[: header.index(b"---") + 3])
    if len(file_key) != 16 or not hmac.compare_digest(mac, _bytes(found[4])):
        raise Unreadable("The file's beginning is damaged.")
    return file_key


def _wrapping(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(VERSION + b"/scrypt" + salt, 32, 1 << work, 8, 1).derive(passphrase.encode())


def _cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, b"", b"header"), header, hashlib.sha256)


def _derived(file_key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(file_key)


def _nonce(number: int, last: bool) -> bytes:
    """STREAM: the chunk's number, and whether it is the last, so that neither order nor end can change."""
    return number.to_bytes(11) + bytes([last])


def _chunked(plain: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Chunks of equal length, and whether each is the last: that may be shorter, and empty if it is alone."""
    waiting = bytearray()
    for piece in plain:
        waiting += piece
        while len(waiting) > CHUNK:
            yield bytes(waiting[:CHUNK]), False
            del waiting[:CHUNK]
    yield bytes(waiting), True


def _text(data: bytes) -> bytes:
    return b64encode(data).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    """Base64 without padding; a spelling that is not the shortest one is none (RFC 4648 3.5)."""
    data = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if _text(data) != text:
        raise Unreadable("The file's beginning is damaged.")
    return data
