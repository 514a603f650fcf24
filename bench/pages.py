"""Page times with 100,000 requests in the database beside the same pages with 100, in one run.

Each size has a process of its own over a data folder of its own; the parent asks them in turn, so that both
see the same weather. The pages go through the whole of Django, middleware and templates included.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL, LARGE = 100, 100_000
ROUNDS = 15


def start(size: int, folder: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LATCHKEY_")}
    environment |= {"LATCHKEY_DATA": folder, "LATCHKEY_HOSTS": "testserver", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "bench.pages_child", str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )


def ask(process: subprocess.Popen[str], page: str) -> float:
    """Milliseconds for one page."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(page + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def rows() -> list[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        children = {SMALL: start(SMALL, few), LARGE: start(LARGE, many)}
        try:
            pages = children[SMALL].stdout.readline().split()
            children[LARGE].stdout.readline()
            times: dict[tuple[str, int], list[float]] = {}
            for _ in range(ROUNDS):
                for page in pages:
                    for size, child in children.items():
                        times.setdefault((page, size), []).append(ask(child, page))
        finally:
            for child in children.values():
                child.terminate()
                child.wait()
    table = []
    for page in pages:
        few_ms = statistics.median(times[page, SMALL][2:])
        many_ms = statistics.median(times[page, LARGE][2:])
        value = f"{many_ms:.1f} ms with {LARGE:,}, {few_ms:.1f} ms with {SMALL}"
        table.append((f"page {page}", value, f"{many_ms / few_ms:.2f}", "<= 1.3"))
    return table
