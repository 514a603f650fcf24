"""The names that people type: their user name, their own, the household's."""

import re
import unicodedata
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

# A person's or household's name in plain characters, or ValidationError. It is the rule for names in
# certificates, named in the settings as password validators are: this room does not know that one.
plain_name: Callable[[str], str] = import_string(settings.PLAIN_NAME)

_USERNAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")


def normalised(typed: str) -> str:
    """A user name as it is looked up: phones begin it with a capital and end it with a blank."""
    return unicodedata.normalize("NFKC", typed).strip().lower()


def username(typed: str) -> str:
    """The user name, or ValidationError."""
    name = normalised(typed)
    if not _USERNAME.fullmatch(name):
        raise ValidationError(
            _(
                "Use up to 64 small letters a to z, digits, dots, hyphens and underscores; the first "
                "and the last are a letter or digit. For example: anna, or anna.k"
            )
        )
    return name


def printable(text: str, limit: int = 64) -> str:
    """Whatever a stranger typed, on one line for the audit: the rest escaped, cut at `limit`."""
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):X}}}" for char in text)[:limit]
