"""From an empty folder to the first press, by nothing but what the pages say; on phones, in each language."""

from pathlib import Path

import pytest

from tests.browser.evening import Evening
from tests.browser.phone import EVERY_PORT, Phone
from tests.pictures import driver, faults_of, picture
from tests.portal.running import up

pytestmark = pytest.mark.slow
HEAD = "document.documentElement.lang"


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_first_evening(tmp_path: Path, language: str) -> None:
    with up(tmp_path / "data") as running, driver():
        root = running.data / "public" / "ca" / "servers-root.pem"
        asks_for = {"en": "en-GB", "de": "de-AT"}[language]
        phones = [Phone(tmp_path / name, root, EVERY_PORT, asks_for) for name in ("first", "second")]
        faults = []
        for number, (name, phone) in enumerate(Evening(running, *phones, language).stops(), 1):
            picture(phone.page, f"evening-{language}-{number:02}-{name}")
            faults += [f"{name}: {fault}" for fault in faults_of(phone.page)]
            faults += [] if phone.page.evaluate(HEAD) == language else [f"{name}: not in {language}"]
        assert faults == []
