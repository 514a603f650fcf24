"""Sentences that come in English from where no Django is: the signer, the door's connection, the outbox.

Whoever shows one knows how they go (gettext_noop), and says it in the language of whoever reads it.
"""

import re
from collections.abc import Iterable
from functools import cache

from django.utils.translation import gettext

_FIELD = re.compile(r"%\((\w+)\)s")


def translated(sentence: str, known: Iterable[str]) -> str:
    """`sentence` in the active language, if it is one of `known` (texts with %(name)s in them)."""
    for text in known:
        if found := _pattern(text).fullmatch(sentence):
            return gettext(text) % found.groupdict() if found.groupdict() else gettext(text)
    return sentence


@cache
def _pattern(text: str) -> re.Pattern[str]:
    parts = _FIELD.split(text)  # text and names take turns
    pieces = [rf"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(pieces), re.S)
