"""Scripts and style sheets are sent compressed to who takes it; pages with secrets never are."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from portal.static_files import bare

CSS = "/static/latchkey/latchkey.css"
FILE = settings.BASE_DIR / "static" / "latchkey" / "latchkey.css"
TAKES = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_style_sheet_comes_compressed(browser: Client) -> None:
    answer = browser.get(CSS, headers=TAKES)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["Content-Type"] == 'text/css; charset="utf-8"'
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.content) == bare(FILE.read_bytes())
    assert len(answer.content) < FILE.stat().st_size / 3


def test_it_comes_plain_to_who_takes_no_gzip_and_in_parts(browser: Client) -> None:
    plain = browser.get(CSS)
    assert "Content-Encoding" not in plain.headers and plain.headers["Vary"] == "Accept-Encoding"
    assert b"".join(plain.streaming_content) == FILE.read_bytes()
    part = browser.get(CSS, headers={**TAKES, "Range": "bytes=0-9"})
    assert part.status_code == 206 and b"".join(part.streaming_content) == FILE.read_bytes()[:10]


def test_head_says_the_same_and_nothing_is_sent_twice(browser: Client) -> None:
    first, head = browser.get(CSS, headers=TAKES), browser.head(CSS, headers=TAKES)
    assert head.headers["Content-Length"] == first.headers["Content-Length"] and head.content == b""
    again = browser.get(CSS, headers={**TAKES, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and first.headers["ETag"].startswith("W/")


@pytest.mark.parametrize("path", ["/", "/login", "/device"])
def test_no_page_is_compressed(
    alice: User, browser: Client, sign_in: Callable[..., Client], path: str
) -> None:
    answer = sign_in(browser, alice).get(path, headers=TAKES)
    assert "Content-Encoding" not in answer.headers


OURS = sorted(file for file in (settings.BASE_DIR / "static").rglob("*") if file.suffix in (".js", ".css"))


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_no_text_goes_over_several_lines(file: Path) -> None:
    """Or a line of it could be taken for a comment, and its blanks for indentation."""
    for line in bare(file.read_bytes()).decode().splitlines():
        assert line.count("`") % 2 == 0 and not line.endswith("\\"), line


def test_comments_and_indentation_stay_here() -> None:
    script = b"""// What it is for.
/** @returns text */
const text = (one) => {
  // Why.
  const address = "https://example.org"; // stays
  /* Why, on
     two lines. */

  return `${address} /* ${one}`;
};
"""
    left = b"""const text = (one) => {
const address = "https://example.org"; // stays
return `${address} /* ${one}`;
};"""
    assert bare(script) == left
