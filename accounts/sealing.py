"""Encryption at rest, under a key that is not in the database."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(data: bytes, context: str) -> bytes:
    """Encrypt and authenticate. `context` says what and whose it is: moved elsewhere, it does not open."""
    return Fernet(base64.urlsafe_b64encode(_key(context))).encrypt(data)


def unseal(sealed: bytes, context: str, *, ttl: int | None = None) -> bytes:
    """The data again. Raises ValueError when it was changed, moved, or is older than `ttl` seconds."""
    try:
        return Fernet(base64.urlsafe_b64encode(_key(context))).decrypt(bytes(sealed), ttl=ttl)
    except InvalidToken:
        raise ValueError(f"this is not something sealed for {context}") from None


def keyed_digest(text: str, context: str) -> str:
    """HMAC-SHA-256, hex: of no use to somebody who has only the database."""
    return hmac.new(_key(context), text.encode(), hashlib.sha256).hexdigest()


def _key(context: str) -> bytes:
    """A key of its own for each context (RFC 5869). The master key holds 384 random bits: no salt needed."""
    info = f"latchkey 1 {context}".encode()
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(settings.SEALING_KEY.encode())
