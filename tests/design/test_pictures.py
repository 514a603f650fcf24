"""Every kind of page in Chromium, phone and desk, light and dark; the pictures go to build/pictures/."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route

from tests.design.pages import contents, render
from tests.pictures import accessibility_faults, chromium, looks, overflow, picture

SITE = "http://latchkey.test"
TARGETS = (
    "a.button, button, .nav a, .who a, .choice, summary, input:not([type=radio]):not([type=checkbox]), select"
)
LOW = f"""[...document.querySelectorAll({TARGETS!r})]
  .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
  .filter(([_, height]) => height > 0 && height < 43.5).map(([text, _]) => text)"""


def _serve(page: Page, html: dict[str, str]) -> None:
    """Answer from memory and from static/, so that no server is needed."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE).lstrip("/")
        if path in html:
            route.fulfill(body=html[path], content_type="text/html; charset=utf-8")
        else:
            route.fulfill(path=Path(settings.BASE_DIR) / path)

    page.route(f"{SITE}/**", answer)


def _faults(page: Page) -> list[str]:
    wide = overflow(page)
    found = [f"{wide} px too wide"] if wide > 0 else []
    found += [f"lower than 44 px: {text}" for text in page.evaluate(LOW)]
    return found + accessibility_faults(page)


@pytest.mark.slow
@pytest.mark.urls("tests.design.urls")
def test_every_page_fits_its_window_the_thumb_and_the_rules_of_axe() -> None:
    html = {name: render(*content) for name, content in contents().items()}
    faults = []
    with chromium() as browser:
        for look, page in looks(browser):
            _serve(page, html)
            for name in html:
                page.goto(f"{SITE}/{name}")
                picture(page, f"design-{name}-{look}")
                faults += [f"{name} {look}: {fault}" for fault in _faults(page)]
    assert not faults, "\n".join(faults)
