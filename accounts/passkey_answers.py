"""What a browser sends for a passkey, read once and eagerly: whatever is odd ends in `PasskeyRefused`.

The checks themselves are py_webauthn's (WebAuthn Level 3, 7.1 and 7.2); no part of Django is needed for them.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.exceptions import WebAuthnException

MAX_ANSWER = 32 * 1024  # characters; a whole attestation of a TPM has five thousand
TRANSPORTS = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})
_ID = re.compile(r"[A-Za-z0-9_-]{1,1364}")

# Why an answer was refused, as the audit names it, and the sentence.
SENTENCES = {
    "odd": _("What the browser sent is no answer of a passkey. Load the page anew and try again."),
    "stale": _("That took longer than five minutes, or was answered before. Press the button again."),
    "unknown": _(
        "This passkey is not known here: it was removed, or belongs to another account. Use another one, or a"
        " code of your app."
    ),
    "elsewhere": _(
        "This passkey was made under another name of this portal. Open the portal under that name, or use a"
        " code of your app."
    ),
    "wrong": _("What your passkey answered does not fit. Load the page anew and try again, or use a code."),
    "unverified": _(
        "Your passkey did not ask for finger, face or PIN, so it is not enough alone. Sign in with user name,"
        " password and passkey."
    ),
    "counter": _(
        "Your passkey counts backwards: a copy of it may be in use. Sign in with something else, remove it,"
        " and tell an officer."
    ),
    "many": _("You have twenty passkeys. Remove one that you do not use any more."),
    "taken": _("This passkey belongs to an account here already."),
}


class PasskeyRefused(Exception):
    """`why`: a key of SENTENCES; the text is its sentence."""

    def __init__(self, why: str) -> None:
        super().__init__(SENTENCES[why])
        self.why = why

    def __str__(self) -> str:
        return str(SENTENCES[self.why])


@dataclass(frozen=True)
class Answer:
    """`whole`: as the browser sent it. `user_handle`: None when it named nobody."""

    whole: dict[str, Any]
    credential_id: str  # base64url
    challenge: str  # base64url
    user_handle: bytes | None


@dataclass(frozen=True)
class Made:
    """A new credential, checked."""

    credential_id: str
    public_key: bytes
    sign_count: int
    transports: list[str]
    alone: bool
    synced: bool


def read(text: str) -> Answer:
    """The browser's JSON (Level 3, 5.1: `toJSON`). Raises PasskeyRefused."""
    try:
        return _read(text)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise PasskeyRefused("odd") from None


def made(answer: Answer, *, host: str, origin: str) -> Made:
    """Check a new passkey. No attestation is asked for; one that comes all the same has to be whole."""
    try:
        found = verify_registration_response(
            credential=answer.whole,
            expected_challenge=_bytes(answer.challenge),
            expected_rp_id=host,
            expected_origin=origin,
        )
        if _text(found.credential_id) != answer.credential_id:  # somebody else's, to keep it from them
            raise PasskeyRefused("wrong")
        ways = answer.whole["response"].get("transports") or []
        properties = (answer.whole.get("clientExtensionResults") or {}).get("credProps") or {}
        return Made(
            credential_id=answer.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            transports=sorted(TRANSPORTS & {word for word in ways if isinstance(word, str)}),
            alone=properties.get("rk") is True and found.user_verified,
            synced=found.credential_backed_up,
        )
    except PasskeyRefused:
        raise
    except WebAuthnException:
        raise PasskeyRefused("wrong") from None
    except Exception:
        # An attestation is hostile bytes for four libraries: whatever they raise, it is no passkey.
        raise PasskeyRefused("odd") from None


def checked(answer: Answer, *, host: str, origin: str, public_key: bytes) -> tuple[int, bool, bool]:
    """Check the signature: the counter it covers, whether the user was verified, whether there are copies.

    The counter is compared by the caller: it means something only once the signature is good.
    """
    try:
        found = verify_authentication_response(
            credential=answer.whole,
            expected_challenge=_bytes(answer.challenge),
            expected_rp_id=host,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
        )
    except WebAuthnException:
        raise PasskeyRefused("wrong") from None
    except Exception:
        raise PasskeyRefused("odd") from None
    return found.new_sign_count, found.user_verified, found.credential_backed_up


def _read(text: str) -> Answer:
    if len(text) > MAX_ANSWER:
        raise ValueError
    whole = json.loads(text)
    response = whole["response"]
    client = json.loads(_bytes(response["clientDataJSON"]))
    handle = response.get("userHandle")
    identifier, challenge = whole["id"], client["challenge"]
    # In a frame of another site (Level 3, 7.2 step 14): ours are framed by nobody.
    if client.get("crossOrigin") or not (_ID.fullmatch(identifier) and _ID.fullmatch(challenge)):
        raise ValueError
    if not isinstance(response, dict) or _text(_bytes(identifier)) != identifier:
        raise ValueError
    return Answer(whole, identifier, challenge, _bytes(handle) if handle else None)


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
