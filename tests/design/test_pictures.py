"""Every kind of page in Chromium, phone and desk, light and dark; the pictures go to build/pictures/."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route

from tests.design.pages import contents, render
from tests.pictures import chromium, looks, overflow, picture

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


@pytest.mark.slow
@pytest.mark.urls("tests.design.urls")
def test_every_page_fits_its_window_and_every_target_fits_a_thumb() -> None:
    html = {name: render(*content) for name, content in contents().items()}
    faults = []
    with chromium() as browser:
        for look, page in looks(browser):
            _serve(page, html)
            for name in html:
                page.goto(f"{SITE}/{name}")
                picture(page, f"design-{name}-{look}")
                if overflow(page) > 0:
                    faults.append(f"{name} {look} is {overflow(page)} px too wide")
                faults += [f"{name} {look}: {text} is lower than 44 px" for text in page.evaluate(LOW)]
    assert not faults, "\n".join(faults)
