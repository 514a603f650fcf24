"""Every sentence people read can be translated, and is there in every language, as the pages have it now."""

import ast
import io
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

TOP = settings.BASE_DIR
LANGUAGES = sorted(path.parent.parent for path in (TOP / "locale").glob("*/LC_MESSAGES/django.po"))
KEYWORDS: dict[str, object] = dict.fromkeys(
    ("_", "gettext", "gettext_lazy", "gettext_noop"),
)
KEYWORDS |= dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2))
AGAIN = "docs/translating.md says how."
FIELD = re.compile(r"%\(\w+\)[sd]")
ROOMS = ("accounts", "audit", "door", "enrollment", "portal")

# Whatever is still to be made translatable; nothing may be added here.
WAITING: frozenset[str] = frozenset()
WAITING_PYTHON: frozenset[str] = frozenset()
# What speaks in the terminal and in logs, to programs, or to whoever reads the code: English. What of it is
# shown to people is known to door/link.py and enrollment/in_words.py, word for word.
TERMINAL = (
    *(f"door/{name}.py" for name in ("connection", "jinja", "mqtt", "press")),
    "enrollment/protocols/",
    "portal/keeping/",
    "portal/management/",
    "accounts/management/",
    *(f"portal/{name}.py" for name in ("banner", "checks", "children", "confinement", "demo", "demo_doors")),
    *(f"portal/{name}.py" for name in ("seccomp", "landlock", "server", "server_addresses", "services")),
    *(f"portal/{name}.py" for name in ("settings", "supervisor", "upgrade", "ports", "pusher", "metering")),
    *(
        f"portal/{name}.py"
        for name in ("admin_site", "apart", "arrivals", "broker_folder", "check_tls", "uploads")
    ),
    "portal/views/ocsp.py",
)
# The same everywhere, kept with what they are about (accounts/foreign.py says them), or no sentences at all.
KEPT = frozenset(
    {
        *("Home Assistant", "Nextcloud Talk", "Our household", "Recovery codes", "CA certificates"),
        "SCEP's certificate",
        *("Windows (Edge, Chrome)", "Mac (Safari, Chrome)", "Linux (Chrome, Chromium)", "Windows NT"),
        *("It was decided meanwhile.", "No end of it within a minute, several times."),
        *("The door has not started yet.", "The CA refused to sign: … …", r"Android (\d+)"),
        "SELECT 1 FROM door_pin WHERE user_id = %s",
    }
)


def catalogue(folder: Path) -> Catalog:
    with (folder / "LC_MESSAGES/django.po").open("rb") as file:
        return read_po(file, locale=folder.name)


def texts(folder: Path) -> list[Message]:
    return [message for message in catalogue(folder) if message.id]


def parts(value: object) -> list[str]:
    """The text of a message, or its singular and plural."""
    return [value] if isinstance(value, str) else [str(part) for part in value]


def templates() -> list[Path]:
    return sorted((TOP / "templates").rglob("*.html"))


def modules() -> list[Path]:
    found = [path for room in ROOMS for path in (TOP / room).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def used() -> set[str]:
    """What the sources ask for, as gettext would look for it."""
    found = set()
    for path in [*templates(), *modules()]:
        text = templatize(path.read_text()) if path.suffix == ".html" else path.read_text()
        for _, message, _, _ in extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS):
            found.add(parts(message)[0])
    return found


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda path: path.name)
def test_every_sentence_is_in_the_catalogue_and_no_other_is(folder: Path) -> None:
    known = {parts(message.id)[0] for message in texts(folder)}
    assert used() - known == set(), AGAIN
    assert known - used() == set(), AGAIN


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda path: path.name)
def test_every_sentence_has_a_text_with_the_same_fields(folder: Path) -> None:
    for message in texts(folder):
        assert not message.fuzzy, message.id
        said = parts(message.string)
        assert all(said), f"no text for {message.id!r}"
        fields = {field for text in parts(message.id) for field in FIELD.findall(text)}
        assert set(FIELD.findall(said[-1])) == fields, message.id
        assert all(set(FIELD.findall(text)) <= fields for text in said[:-1]), message.id  # "one hour"


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda path: path.name)
def test_the_compiled_catalogue_is_the_readable_one(folder: Path) -> None:
    with (folder / "LC_MESSAGES/django.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for message in texts(folder):
        ids, said = parts(message.id), parts(message.string)
        if len(ids) == 1:
            assert compiled.gettext(ids[0]) == said[0], AGAIN
        else:
            assert [compiled.ngettext(*ids, number) for number in (1, 2)] == said[:2], AGAIN


FORMAL = re.compile(r"(?<=[a-zäöüß,] )(?:Sie|Ihnen|Ihr(?:e[nmrs]?)?)\b")  # elsewhere it may be "she"


def test_german_says_du() -> None:
    said = [text for message in texts(TOP / "locale/de") for text in parts(message.string)]
    assert [text for text in said if FORMAL.search(text)] == []


# What needs no translation: our name, and what is the same everywhere.
NAMES = re.compile(
    r"\b(?:Latchkey|PIN|MQTT|TOTP|SCEP|SHA-256|DER|PEM|PKCS#7|OpenSSL|ntfy|Telegram|Matrix|Home Assistant"
    r"|macOS|Fedora|iPhone|iPad|Android|Windows|Mac|Linux|Firefox)\b"
    r"|\(?\.(?:cer|crl|p12|p7b|pem)\)?"
)
NAMED_ENTITY = re.compile(r"&\w+;|&#\w+;")
BLOCK = re.compile(r"{%-?\s*(comment|blocktrans(?:late)?|verbatim)\b.*?{%-?\s*end\1\s*-?%}", re.S)
CLASSES = re.compile(r"{% block (?!title|content)\w+ %}(?:{%.*?%})?[a-z]+(?:{%.*?%})?{% endblock %}")
TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.S)
MUTE = re.compile(r"<(script|style|svg|code|kbd|pre)\b.*?</\1>", re.S)
SPOKEN = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-[a-z-]*(?:text|word|label))="([^"]*)"')
GIVEN = re.compile(r"""\b(?:text|label|action|title|newer_label|older_label)=("[^"]*[a-z][^"]*"|'[^']*')""")
FALLBACK = re.compile(r"""\|(?:default|default_if_none|yesno|pluralize):?("[^"]*[A-Za-z][^"]*"|'[^']*')?""")


def untranslated(template: str) -> Iterator[str]:
    """What a reader would see in English whatever their language."""
    template = CLASSES.sub("", BLOCK.sub("", template))
    for tag in TAG.findall(template):
        if tag.startswith("{#"):
            continue
        given = GIVEN.findall(tag) if "include" in tag else []
        yield from (text for text in [*given, *FALLBACK.findall(tag)] if _is_english(text))
        if "|pluralize" in tag:
            yield tag
    html = MUTE.sub("", TAG.sub("", template))
    spoken = [*SPOKEN.findall(html), *re.sub(r"<!--.*?-->|<[^>]*>", "\n", html, flags=re.S).split("\n")]
    for text in spoken:
        if _is_english(text):
            yield text.strip()


def _is_english(text: str) -> bool:
    return bool(re.search("[A-Za-z]", NAMED_ENTITY.sub("", NAMES.sub("", text))))


def test_every_template_is_translatable() -> None:
    found = {}
    for path in templates():
        name = path.relative_to(TOP / "templates").as_posix()
        if left := list(untranslated(path.read_text())):
            found[name] = left
    assert {name: left for name, left in found.items() if name not in WAITING} == {}
    assert WAITING - found.keys() == frozenset(), "these are done: take them from the list"


MARKED = frozenset(KEYWORDS)
# Whoever reads these knows English: logs, and errors that no page shows.
UNSEEN = frozenset(
    {"getLogger", "warning", "error", "exception", "debug", "critical", "ImproperlyConfigured", "compile"}
    | {"ValueError", "TypeError", "KeyError", "RuntimeError", "NotImplementedError", "LookupError", "OSError"}
    | {"BadRequest", "CertificateRejected", "RunSQL", "execute", "Obstacle", "_plain"}
)


def sentences(tree: ast.AST) -> Iterator[str]:
    """String constants that look like something said to people: a capital, then words."""
    if isinstance(tree, ast.Call):
        name = tree.func.attr if isinstance(tree.func, ast.Attribute) else getattr(tree.func, "id", "")
        if name in MARKED or name in UNSEEN:
            return
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return  # a docstring
    if isinstance(tree, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in tree.values)
        yield from _said(text)
        return
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield from _said(tree.value)
    for child in ast.iter_child_nodes(tree):
        yield from sentences(child)


def _said(text: str) -> Iterator[str]:
    begins = r"[A-Z][\w’'-]*,? [\w“…(]" if not text.startswith("…") else r"… .*[.:?!]$"
    if text not in KEPT and re.match(begins, text) and re.search("[a-z]{2}", text):
        yield text


def test_every_sentence_in_python_is_translatable() -> None:
    found = {}
    for path in modules():
        name = path.relative_to(TOP).as_posix()
        left = list(sentences(ast.parse(path.read_text())))
        if left and not name.startswith(TERMINAL):
            found[name] = left
    assert {name: left for name, left in found.items() if name not in WAITING_PYTHON} == {}
    assert WAITING_PYTHON - found.keys() == frozenset(), "these are done: take them from the list"
