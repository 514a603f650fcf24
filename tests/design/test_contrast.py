"""WCAG 2.2: text contrasts at least 4.5 : 1 with its ground (1.4.3), borders and rings 3 : 1 (1.4.11)."""

import re
from itertools import product

import pytest
from django.conf import settings

CSS = (settings.BASE_DIR / "static" / "latchkey" / "latchkey.css").read_text()
GROUNDS = ("paper", "surface", "tint")
PAIRS = [
    *product(("ink", "soft", "accent", "danger"), GROUNDS),
    ("on-accent", "accent"),
    ("on-danger", "danger"),
]


def tokens(theme: str) -> dict[str, str]:
    """The colour tokens of a theme; dark overrides light."""
    light, dark = (dict(re.findall(r"--([\w-]+): #([0-9a-f]{6})", block)) for block in _blocks())
    return light if theme == "light" else light | dark


def _blocks() -> list[str]:
    return re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Between 1 and 21, for two colours as six hex digits."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_the_known_extreme() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("767676", "ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_every_ground(theme: str, text: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("line", ["edge", "accent", "danger"])
def test_borders_and_focus_rings_stand_out(theme: str, line: str, ground: str) -> None:
    colours = tokens(theme)
    assert contrast(colours[line], colours[ground]) >= 3


def test_the_dark_theme_sets_every_colour_and_print_stays_light() -> None:
    light, dark = _blocks()
    assert re.findall(r"--([\w-]+): #", light) == re.findall(r"--([\w-]+): #", dark)
    assert "@media screen and (prefers-color-scheme: dark)" in CSS


def test_colours_are_named_once_and_used_by_name() -> None:
    rules = CSS.replace(_blocks()[0], "").replace(_blocks()[1], "")
    assert re.findall(r"#[0-9a-f]{3,8}\b(?![^{}]*\{)", rules) == ["#fff"]  # a QR code stands on white, always


def test_the_style_sheet_is_small_and_fetches_nothing() -> None:
    assert len(CSS) < 14_500
    assert "url(" not in CSS
    assert "@import" not in CSS
