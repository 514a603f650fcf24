"""Codes that change with the time (TOTP, RFC 6238: SHA-1, 30 seconds, six digits), without a database."""

import base64
import os
import time
from urllib.parse import quote, urlencode

from django_otp.oath import TOTP, hotp

STEP = 30  # seconds
DIGITS = 6
TOLERANCE = 1  # steps a clock may be off (RFC 6238 5.2)
NEAR = 20  # steps: a code from so long ago or so far ahead is not a guess
_NEAREST_FIRST = sorted(range(-NEAR, NEAR + 1), key=abs)


def new_secret() -> bytes:
    """160 random bits (RFC 4226 4, R6)."""
    return os.urandom(20)


def typed_key(secret: bytes) -> str:
    """The secret as somebody types it into their app: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def uri(secret: bytes, *, account: str, issuer: str) -> str:
    """The otpauth:// address that apps read from a QR code."""
    issuer = issuer.replace(":", " ")  # the colon separates issuer and account in the label
    values = {"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": issuer}
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{urlencode(values, quote_via=quote)}"


def matching_step(secret: bytes, code: str, *, after: int = -1) -> int | None:
    """The time step of which `code` (six ASCII digits) is the code, None when there is none.

    Looks one step back and ahead, and only at steps later than `after`: what was used does not work again.
    """
    if not is_code(code):
        return None
    totp = TOTP(secret, step=STEP)
    totp.time = time.time()
    if not totp.verify(int(code), tolerance=TOLERANCE, min_t=after + 1):
        return None
    return int(totp.t())


def matching_pair(secret: bytes, codes: str, *, after: int = -1) -> int | None:
    """The time step of the second of two codes in a row (twelve digits), None when they are none.

    Neither may have been used. A guess is right with one in 3 * 10^11.
    """
    first, second = codes[:DIGITS], codes[DIGITS:]
    step = matching_step(secret, second, after=after + 1)
    if step is None or not (first.isascii() and first.isdigit()):
        return None
    return step if hotp(secret, step - 1) == int(first) else None


def step_now() -> int:
    return int(time.time()) // STEP


def off_by(secret: bytes, code: str) -> int | None:
    """By how many steps a clock is ahead that shows `code` (six digits) now: at most NEAR, None for none.

    0, and one step more or less, is the right time: such a code was used.
    """
    now, wanted = step_now(), int(code)
    return next((off for off in _NEAREST_FIRST if hotp(secret, now + off) == wanted), None)


def is_near(secret: bytes, code: str) -> bool:
    """Whether `code` (six digits) was shown within ten minutes of now: too late, used, or a clock is off."""
    return off_by(secret, code) is not None


def is_code(text: str) -> bool:
    """Six digits, of those that a keyboard for numbers has."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()
