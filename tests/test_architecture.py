"""The walls: portal -> door | enrollment -> accounts | pki -> audit. Siblings are strangers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
ROOMS = ("portal", "door", "enrollment", "accounts", "pki", "audit")
MAY_IMPORT = {
    "portal": {"door", "enrollment", "accounts", "pki", "audit"},
    "door": {"accounts", "pki", "audit"},
    "enrollment": {"accounts", "pki", "audit"},
    "accounts": {"audit"},
    "pki": {"audit"},
    "audit": set(),
}
# Plain Python, so that the process that holds the key stays small.
STARRED = {
    *(f"pki/{name}.py" for name in ("errors", "csr", "keypolicy", "profiles", "names", "words", "builder")),
    *(f"pki/{name}.py" for name in ("lint", "cms", "scep", "mobileconfig")),
}
FILES = sorted(file for room in ROOMS for file in (TOP / room).rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(TOP).as_posix()


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


def imported(node: ast.AST) -> Iterator[str]:
    """Dotted names that the nodes below import: "pki", "pki.csr", also for `from pki import csr`."""
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            yield from (alias.name for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            assert found.level == 0, f"line {found.lineno}: import by the full name"
            yield found.module or ""
            yield from (f"{found.module}.{alias.name}" for alias in found.names)


def module_file(dotted: str) -> Path | None:
    path = TOP / dotted.replace(".", "/")
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_rooms_import_downward_only(file: Path) -> None:
    room = file.relative_to(TOP).parts[0]
    others = {name.partition(".")[0] for name in imported(tree(file))} & set(ROOMS) - {room}
    assert others <= MAY_IMPORT[room]


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_nothing_is_imported_inside_a_function(file: Path) -> None:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not list(imported(node)), f"{node.name} imports something"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_nothing_hangs_on_a_signal(file: Path) -> None:
    names = set(imported(tree(file)))
    assert not {name for name in names if name.endswith(".signals") or name.startswith("django.dispatch")}


@pytest.mark.parametrize("file", [f for f in FILES if f.is_relative_to(TOP / "pki")], ids=name_of)
def test_pki_knows_no_users_sessions_or_admin(file: Path) -> None:
    assert not [name for name in imported(tree(file)) if name.startswith("django.contrib")]


def starred() -> list[Path]:
    return [f for f in FILES if name_of(f) in STARRED or f.is_relative_to(TOP / "pki" / "signer")]


@pytest.mark.parametrize("file", starred(), ids=name_of)
def test_the_starred_files_reach_no_django_whatever_they_import(file: Path) -> None:
    seen: set[Path] = set()
    waiting = [file]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        names = set(imported(tree(here)))
        assert not {name for name in names if name.partition(".")[0] == "django"}, (
            f"{name_of(here)} imports Django"
        )
        waiting += [found for name in names if (found := module_file(name))]


def test_only_the_door_to_verification_is_open_for_the_door() -> None:
    for file in (f for f in FILES if f.is_relative_to(TOP / "door")):
        taken = {name for name in imported(tree(file)) if name.startswith("pki.")}
        assert {".".join(name.split(".")[:2]) for name in taken} <= {"pki.verification", "pki.errors"}


@pytest.mark.parametrize(
    "file", [f for f in FILES if "views" in f.parts or "protocols" in f.parts], ids=name_of
)
def test_views_call_the_verbs_and_never_the_funnel_or_the_signer(file: Path) -> None:
    names = set(imported(tree(file)))
    assert "pki.issuance" not in names
    assert not {name for name in names if name.startswith("pki.signer") and "protocol" not in name}


def test_only_one_file_names_a_private_key_of_a_ca() -> None:
    naming = [f for f in FILES if f.is_relative_to(TOP / "pki") and "load_pem_private_key" in f.read_text()]
    assert [name_of(f) for f in naming] == ["pki/signer/keys.py"]


@pytest.mark.parametrize("file", [*FILES, *sorted((TOP / "tests").rglob("*.py"))], ids=name_of)
def test_functions_are_short_and_modules_too(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or node.lineno) - node.lineno < 60, f"{node.name} is too long"
