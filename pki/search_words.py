"""The words by which a certificate is found: of its common name and its host names."""

import re
import unicodedata
from collections.abc import Iterable

MAX_WORD = 40  # characters
MAX_WORDS = 40  # of one certificate
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s\b")  # of "anna's phone": a word that all phones have finds none


def of(subject: str, sans: Iterable[str]) -> set[str]:
    """Words of "anna's phone", and of "dns:nas.home.arpa" with the whole name as well."""
    whole = [san.partition(":")[2] for san in sans]
    found = [word for text in (subject, *whole) for word in split(text)]
    found += [folded(name)[:MAX_WORD] for name in whole]
    return set(list(dict.fromkeys(found))[:MAX_WORDS])


def split(text: str) -> list[str]:
    """What somebody typed or called a thing, word by word."""
    return [word[:MAX_WORD] for word in _WORD.findall(_POSSESSIVE.sub("", folded(text)))]


def folded(text: str) -> str:
    """Without capitals and accents: nobody types them in a search."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))
