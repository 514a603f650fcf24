"""Every page of a running household: it fits its window and the thumb, and axe finds nothing.

Pictures of all of them, at 360 and 1280 px, light and dark, are left in build/pictures/.
"""

from pathlib import Path
from typing import Any
from typing import cast as typed

import pytest
from playwright.sync_api import Page

from tests.browser.cast import cast
from tests.browser.gallery import WALKS
from tests.pictures import THEMES, VIEWPORTS, faults_of, picture

pytestmark = pytest.mark.slow


LOOKED_AT = ("phone-light", "desk-dark")  # colours are tokens, and sizes do not depend on them


def faults_at(page: Page, name: str) -> list[str]:
    """Pictures in all looks and the faults in two, without loading the page again."""
    faults = []
    for size, (width, height) in VIEWPORTS.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.emulate_media(color_scheme=typed(Any, theme))
            look = f"{size}-{theme}"
            picture(page, f"{name}-{look}")
            found = [*faults_of(page), *words_of_others(page)] if look in LOOKED_AT else []
            faults += [f"{name} {look}: {fault}" for fault in found]
    return faults


def words_of_others(page: Page) -> list[str]:
    """Sentences that are not ours and help nobody."""
    text = page.locator("main").inner_text()
    return [words for words in ("This field is required", "Enter a ", "Ensure ") if words in text]


def test_every_page_in_every_look(tmp_path: Path) -> None:
    faults: list[str] = []
    with cast(tmp_path) as here:
        for walk in WALKS:
            for name, person in walk(here, tmp_path / walk.__name__):
                faults += faults_at(person.page, name)
    assert not faults, "\n".join(faults)
