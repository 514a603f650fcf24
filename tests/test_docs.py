"""What the documents name is there: files, functions in them, pages they link to."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
ROOMS = ("portal", "door", "enrollment", "accounts", "pki", "audit")
FOLDERS = (*ROOMS, "tests", "static", "bench")
PAGES = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md")])

# `pki/csr.py`, `pki/csr.py:parse`, `pki/signer/service.py:Service.issue`, `deploy/nginx/latchkey-door.conf`.
PATH = re.compile(
    rf"(?<![\w/.-])((?:{'|'.join(FOLDERS)})/[\w/]+\.(?:py|js)|deploy/[\w/-]+\.\w+)(?::([A-Za-z_][\w.]*\w))?"
)
DOTTED = re.compile(r"`(\w+)\.(\w+)[`(]")  # `outbox.tell(…)`
ENDINGS = ("py", "key", "cer")  # `issuing.key` is a file of the signer's
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)|<img src=\"([^\"]+)\"")


@cache
def names_in(file: Path) -> frozenset[str]:
    """What stands at the top of a module, and in its classes as "Class.name"."""
    found = set[str]()
    for node in ast.parse(file.read_text()).body:
        for name in _names(node):
            found.add(name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{name}" for inner in node.body for name in _names(inner)}
    return frozenset(found)


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.ImportFrom):  # ra.py gives on what its neighbours do
        return [alias.asname for alias in node.names if alias.asname]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


@cache
def said_in_code() -> str:
    return "\n".join(file.read_text() for room in ROOMS for file in sorted((TOP / room).rglob("*.py")))


def of_page(page: Path) -> str:
    return page.relative_to(TOP).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_files_and_functions_that_a_page_names_are_there(page: Path) -> None:
    for path, name in PATH.findall(page.read_text()):
        assert (TOP / path).exists(), path
        if name and path.endswith(".py"):
            assert name in names_in(TOP / path), f"{path}:{name}"


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_functions_that_a_page_names_by_their_module_are_there(page: Path) -> None:
    for module, name in DOTTED.findall(page.read_text()):
        files = [file for room in ROOMS for file in (TOP / room).rglob(f"{module}.py")]
        spoken = f'"{module}.{name}"' in said_in_code()  # a line of the audit trail is called like that, too
        assert not files or spoken or name in ENDINGS or any(name in names_in(file) for file in files), name


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for link, picture in LINK.findall(page.read_text()):
        assert (page.parent / (link or picture)).exists(), link or picture
