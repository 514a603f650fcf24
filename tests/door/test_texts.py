"""Every sentence of the door's pages and the check face's is there in German, as the pages have it now."""

import io
import re
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

FOLDER = settings.BASE_DIR / "locale" / "de" / "LC_MESSAGES"
KEYWORDS: dict[str, object] = dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"))
KEYWORDS |= dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2))
AGAIN = "Run: manage.py makemessages -l de --no-location --no-wrap; translate; manage.py compilemessages"
FIELD = re.compile(r"%\(\w+\)[sd]")


def catalogue() -> Catalog:
    with (FOLDER / "django.po").open("rb") as file:
        return read_po(file, locale="de")


def texts() -> list[Message]:
    return [message for message in catalogue() if message.id]


def parts(value: object) -> list[str]:
    """The text of a message, or its singular and plural."""
    return [value] if isinstance(value, str) else [str(part) for part in value]


def sources() -> list[Path]:
    """Only the pages of door and check face, and what speaks on them, are in two languages."""
    top = settings.BASE_DIR
    pages = [*(top / "templates/door").glob("*.html"), *(top / "templates/check").glob("*.html")]
    pages += [
        *(top / f"templates/enrollment/_{name}.html" for name in ("make_file", "made_file", "install")),
        *(top / "templates/enrollment/install").glob("*.html"),
    ]
    speaking = [top / f"portal/{name}.py" for name in ("errors_door", "advice", "views/check", "views/renew")]
    speaking += [top / f"enrollment/{name}.py" for name in ("kinds", "renewing")]
    return [*pages, *(top / "door").rglob("*.py"), *speaking]


def used() -> set[str]:
    """What the sources ask for, as gettext would look for it."""
    found = set()
    for path in sources():
        text = templatize(path.read_text()) if path.suffix == ".html" else path.read_text()
        for _, message, _, _ in extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS):
            found.add(parts(message)[0])
    return found


def test_every_sentence_of_the_pages_is_in_the_catalogue_and_no_other_is() -> None:
    known = {parts(message.id)[0] for message in texts()}
    assert used() == known, AGAIN


def test_every_sentence_has_a_german_text_with_the_same_fields() -> None:
    for message in texts():
        assert not message.fuzzy, message.id
        german = parts(message.string)
        assert all(german), f"no German for {message.id!r}"
        fields = {field for text in parts(message.id) for field in FIELD.findall(text)}
        assert all(set(FIELD.findall(text)) == fields for text in german), message.id


def test_the_compiled_catalogue_is_the_readable_one() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for message in texts():
        ids, german = parts(message.id), parts(message.string)
        if len(ids) == 1:
            assert compiled.gettext(ids[0]) == german[0], AGAIN
        else:
            assert [compiled.ngettext(*ids, number) for number in (1, 2)] == german, AGAIN


@pytest.mark.parametrize("formal", [r"\bSie\b(?! (?:öffnet|vergeben))", r"\bIhr(e[nmrs]?)?\b", r"\bIhnen\b"])
def test_german_says_du(formal: str) -> None:
    said = " ".join(text for message in texts() for text in parts(message.string))
    assert not re.findall(formal, said)
