"""Real Chromium for tests, and pictures of what it shows, kept under build/pictures/.

Playwright's synchronous interface runs an event loop in this thread, so Django refuses the database while it
is open: make rows before, or serve from a process of its own.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = settings.BASE_DIR / "build" / "pictures"
VIEWPORTS = {"phone": (360, 740), "desk": (1280, 900)}  # CSS pixels
THEMES = ("light", "dark")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """The system's Chromium. Without one the test is skipped, or fails when CI=true."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is missing. On Debian: apt-get install chromium")
    if found is None:
        pytest.skip("needs Chromium")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser, closed at the end."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def looks(browser: Browser, **options: Any) -> Iterator[tuple[str, Page]]:
    """A fresh page per viewport and theme, with its name ("phone-dark"). `options` are the context's."""
    for size, (width, height) in VIEWPORTS.items():
        for theme in THEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=theme,  # type: ignore[arg-type]
                device_scale_factor=2 if size == "phone" else 1,
                **options,
            )
            yield f"{size}-{theme}", context.new_page()
            context.close()


def picture(page: Page, name: str) -> Path:
    """The whole page as build/pictures/<name>.png."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path: Path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=True, animations="disabled")
    return path


def overflow(page: Page) -> int:
    """By how many CSS pixels the page is wider than its window; a page never scrolls sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA and good practice, one line each."""
    page.evaluate(AXE_SCRIPT)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]
