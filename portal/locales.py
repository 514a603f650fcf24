"""Which languages there are: those with a folder in locale/ (docs/translating.md). Read by settings.py."""

from pathlib import Path

from django.conf.locale import LANG_INFO

ENGLISH = "en"  # the sentences in the sources


def found(folder: Path) -> list[tuple[str, str]]:
    """Code ("de", "pt-br") and own name ("Deutsch") of each; English first, the others by their names."""
    compiled = folder.glob("*/LC_MESSAGES/django.mo")
    codes = {path.parent.parent.name.replace("_", "-").lower() for path in compiled} - {ENGLISH}
    return [(ENGLISH, _name(ENGLISH)), *sorted(((code, _name(code)) for code in codes), key=_by_name)]


def _name(code: str) -> str:
    """As its speakers call it; a language that Django has not heard of goes by its code."""
    info = LANG_INFO.get(code, {})
    return str(info.get("name_local", code)).capitalize()


def _by_name(language: tuple[str, str]) -> str:
    return language[1]
