"""Three real browsers that keep what they are given in a folder, and are asked to take `steps.js`' steps."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.js.marionette import firefox
from tests.pictures import SWITCHES, chromium_path, driver

Step = Callable[..., Any]
Window = Callable[[Path, str], AbstractContextManager[Step]]
BODY = "return await window.steps[args[0]](...args[1])"
READY = "while (document.title !== 'ready') await new Promise((done) => setTimeout(done, 20))"
BINDINGS = Path("/usr/lib/x86_64-linux-gnu/girepository-1.0/WebKit2-4.1.typelib")


def needs(there: object, package: str) -> None:
    """Skip the test without the program, or fail when CI=true."""
    if there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"A program is missing. On Debian: apt-get install {package}")
    pytest.skip(f"needs {package}")


@contextmanager
def chromium_window(profile: Path, address: str) -> Iterator[Step]:
    path = chromium_path()
    with driver() as playwright:
        context = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=SWITCHES)
        try:
            page = context.pages[0]
            page.goto(address)
            page.wait_for_function("document.title === 'ready'")
            yield lambda name, *given: page.evaluate(f"async (args) => {{ {BODY} }}", [name, given])
        finally:
            context.close()


@contextmanager
def firefox_window(profile: Path, address: str, more: dict[str, Any] | None = None) -> Iterator[Step]:
    """With `more` preferences than the tests' own."""
    needs(shutil.which("firefox-esr") or shutil.which("firefox"), "firefox-esr")
    with firefox(profile, more) as window:
        window.go(address)
        window.run(READY)
        yield lambda name, *given: window.run(BODY, name, given)


@contextmanager
def webkit_window(profile: Path | None, address: str) -> Iterator[Step]:
    """WebKitGTK; without a profile in Private Browsing."""
    needs(
        BINDINGS.exists() or list(Path("/usr/lib").glob("*/girepository-1.0/WebKit2-4.1.typelib")),
        "gir1.2-webkit2-4.1",
    )
    needs(shutil.which("Xvfb"), "xvfb")
    with screen() as display, talking(profile, display) as tell:
        tell({})
        tell({"go": address})
        tell({"call": READY, "with": []})
        yield lambda name, *given: tell({"call": BODY, "with": [name, given]})


@contextmanager
def screen() -> Iterator[str]:
    """A screen that nobody sees; its name."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield ":" + process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def talking(profile: Path | None, display: str) -> Iterator[Callable[[dict[str, Any]], Any]]:
    command = ["/usr/bin/python3", Path(__file__).with_name("webkit_window.py"), profile or ""]
    home = {"HOME": str(profile or "/nonexistent"), "DISPLAY": display, "PATH": "/usr/bin:/bin"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=home, text=True, **pipes) as process:

        def tell(order: dict[str, Any]) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            if order:
                print(json.dumps(order), file=process.stdin, flush=True)
            answer = json.loads(process.stdout.readline())
            if "error" in answer:
                raise RuntimeError(answer["error"])
            return answer["value"]

        try:
            yield tell
            process.stdin.close()
            process.wait(30)
        finally:
            process.kill()


BROWSERS: dict[str, Window] = {
    "chromium": chromium_window,
    "firefox": firefox_window,
    "webkit": webkit_window,
}
