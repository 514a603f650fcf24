"""What the modules may do and how big they may be: no network, no other origin, no code made of text."""

import gzip
import re
from pathlib import Path

import pytest

from portal.static_files import bare

FOLDER = Path(__file__).resolve().parents[2] / "static" / "js"
MODULES = sorted(FOLDER.glob("*.js"))
ASKING = ("der", "csr", "store")
FINISHING = ("der", "chain", "des", "p12", "password", "store")
# Names by which a script reaches the network, another page, or another script.
OUTWARD = re.compile(
    r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|WebTransport|RTCPeerConnection|sendBeacon|Worker|Image"
    r"|importScripts|location|postMessage|BroadcastChannel|document|window|eval|Function|localStorage"
    r"|cookie)\b"
)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_module_has_no_way_out(module: Path) -> None:
    assert not OUTWARD.findall(code_of(module))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_module_takes_only_its_neighbours(module: Path) -> None:
    taken = re.findall(r'from "(.*?)"', module.read_text())
    assert all(name.startswith("./") and (FOLDER / name).is_file() for name in taken)


def code_of(module: Path) -> str:
    """Without comments and texts."""
    return re.sub(r'/\*\*.*?\*/|//[^\n]*|"[^"\n]*"', "", module.read_text(), flags=re.DOTALL)


def packed(names: tuple[str, ...]) -> int:
    """Bytes on the line, each file by itself."""
    return sum(len(gzip.compress(bare((FOLDER / f"{name}.js").read_bytes()), 9)) for name in names)


def test_modules_stay_small() -> None:
    assert packed(ASKING) < 2_400
    assert packed(FINISHING) < 5_400
    assert packed(tuple(module.stem for module in MODULES)) <= 6_000


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_module_can_be_read_in_one_sitting(module: Path) -> None:
    lines = module.read_text().splitlines()
    assert len(lines) <= 120
    assert all(len(line) <= 120 for line in lines)
