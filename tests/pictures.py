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
from playwright.sync_api import Browser, Page, Playwright, Route, sync_playwright

PICTURES = settings.BASE_DIR / "build" / "pictures"
VIEWPORTS = {"phone": (360, 740), "desk": (1280, 900)}  # CSS pixels
THEMES = ("light", "dark")
ALL = tuple(f"{size}-{theme}" for size in VIEWPORTS for theme in THEMES)
SITE = "http://latchkey.test"  # answered from memory, see `serve`
TARGETS = "a.button, button, .nav a, .who a, .choice, .more > summary, select, .field > input"
LOW = f"""[...document.querySelectorAll({TARGETS!r})]
  .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
  .filter(([_, height]) => height > 0 && height < 43.5).map(([text, _]) => text)"""
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


RUNNING: list[Playwright] = []


def chromium_path() -> str:
    """The system's Chromium. Without one the test is skipped, or fails when CI=true."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is missing. On Debian: apt-get install chromium")
    if found is None:
        pytest.skip("needs Chromium")
    return found


@contextmanager
def driver() -> Iterator[Playwright]:
    """Playwright's driver: the one that runs already, as a process can have but one, or a new one."""
    if RUNNING:
        yield RUNNING[0]
        return
    with sync_playwright() as started:
        RUNNING.append(started)
        try:
            yield started
        finally:
            RUNNING.clear()


@contextmanager
def chromium(*more: str, home: Path | None = None, path: Path | None = None) -> Iterator[Browser]:
    """A running browser, closed at the end. `more` switches; `home` has its trust store (.pki/nssdb); `path`:
    what starts it, if not the system's Chromium itself."""
    env = {**os.environ, **({"HOME": str(home)} if home else {})}
    with driver() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path or chromium_path(), args=[*SWITCHES, *more], env=env
        )
        try:
            yield browser
        finally:
            browser.close()


def looks(browser: Browser, wanted: tuple[str, ...] = ALL, **options: Any) -> Iterator[tuple[str, Page]]:
    """A fresh page for each look ("phone-dark"), with its name. `options` are the browser context's."""
    for look in wanted:
        size, theme = look.split("-")
        width, height = VIEWPORTS[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            device_scale_factor=2 if size == "phone" else 1,
            **options,
        )
        yield look, context.new_page()
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


def faults_of(page: Page) -> list[str]:
    """What is wrong with how the page looks: too wide, too small for a thumb, or against axe's rules."""
    wide = overflow(page)
    found = [f"{wide} px too wide"] if wide > 0 else []
    found += [f"lower than 44 px: {text}" for text in page.evaluate(LOW)]
    return found + accessibility_faults(page)


def serve(page: Page, pages: dict[str, str]) -> None:
    """Answer `SITE`/<name> with the HTML of that name, and our static files: no server is needed."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE).lstrip("/").partition("?")[0]
        file = settings.BASE_DIR / path
        if path in pages:
            route.fulfill(body=pages[path], content_type="text/html; charset=utf-8")
        elif path.startswith("static/") and file.is_file():
            route.fulfill(path=file)
        else:
            route.fulfill(status=404)

    page.route(f"{SITE}/**", answer)


def faults_in(pages: dict[str, str], wanted: tuple[str, ...] = ALL) -> list[str]:
    """Show and picture each page (name -> HTML) in the looks `wanted`; the faults, one line each."""
    faults = []
    with chromium() as browser:
        for look, page in looks(browser, wanted):
            serve(page, pages)
            for name in pages:
                page.goto(f"{SITE}/{name}")
                picture(page, f"{name}-{look}")
                faults += [f"{name} {look}: {fault}" for fault in faults_of(page)]
    return faults
