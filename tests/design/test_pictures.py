"""The shared templates in Chromium, phone and desk, light and dark; the pictures go to build/pictures/."""

import pytest

from tests.design.pages import contents, render
from tests.pictures import faults_in


@pytest.mark.slow
def test_every_shared_template_fits_its_window_the_thumb_and_the_rules_of_axe() -> None:
    faults = faults_in({f"design-{name}": render(*content) for name, content in contents().items()})
    assert not faults, "\n".join(faults)
