"""The names that people type: their user name, their own, the household's."""

import re
import unicodedata

from django.core.exceptions import ValidationError

_USERNAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")


def normalised(typed: str) -> str:
    """A user name as it is looked up: phones begin it with a capital and end it with a blank."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def username(typed: str) -> str:
    """The user name, or ValidationError."""
    name = normalised(typed)
    if not _USERNAME.fullmatch(name):
        raise ValidationError(
            "Use up to 64 small letters a to z, digits, dots, hyphens and underscores; the first and the last"
            " are a letter or digit. For example: anna, or anna.k"
        )
    return name


def plain_name(typed: str, limit: int = 64) -> str:
    """A name of a person or household in NFC with single blanks, or ValidationError.

    Control, format (such as right-to-left marks), private and unassigned characters are refused: the name
    stands in certificates, logs and on other people's screens.
    """
    name = unicodedata.normalize("NFC", " ".join(typed.split()))
    odd = next((char for char in name if unicodedata.category(char)[0] == "C"), None)
    if odd is not None:
        raise ValidationError(
            f"There is an invisible character in it (U+{ord(odd):04X}). Type the name instead of pasting it."
        )
    if len(name) > limit:
        raise ValidationError(f"That is {len(name)} characters long; {limit} are the most that fit.")
    return name


def printable(text: str, limit: int = 64) -> str:
    """Whatever a stranger typed, on one line for the audit: the rest escaped, cut at `limit`."""
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):X}}}" for char in text)[:limit]
