"""What holds for every template: nothing inline (the Content-Security-Policy allows none), errors above."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import get_resolver

FOLDER = settings.BASE_DIR / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
INLINE = [r"\sstyle=", r"<style", r"\son[a-z]+=", r"<script(?![^>]*\ssrc=)", r"javascript:", r"\|safe\b"]
SPACES = ("portal", "accounts", "enrollment", "certificates", "doors", "door", "pki")
FOREIGN = r"(?:src|srcset|href|action)=[\"'](?:https?:)?//"


def _name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_has_nothing_inline_and_nothing_foreign(path: Path) -> None:
    text = path.read_text()
    found = [pattern for pattern in [*INLINE, FOREIGN] if re.search(pattern, text, re.IGNORECASE)]
    assert not found


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_every_form_that_is_sent_carries_its_token(path: Path) -> None:
    forms = re.findall(r"<form[^>]*method=.post.*?</form>", path.read_text(), re.DOTALL | re.IGNORECASE)
    assert all("{% csrf_token %}" in form for form in forms)


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_page_that_shows_fields_shows_the_summary_of_their_errors(path: Path) -> None:
    text = path.read_text()
    if path.is_relative_to(FOLDER / "django") or path.is_relative_to(FOLDER / "parts"):
        return
    whole = re.search(r"\{\{ *form *\}\}", text)
    if whole or "as_field_group" in text:
        assert "parts/errors.html" in text
    assert not (whole and "parts/fresh_code.html" in text), "{{ form }} shows the code field by itself"


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_page_extends_the_frame_and_has_one_heading(path: Path) -> None:
    text = path.read_text()
    if '{% extends "base.html" %}' in text:
        assert len(re.findall(r"<h1\b", text)) >= 1
        assert "{% block title %}" in text


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_links_only_to_pages_that_exist(path: Path) -> None:
    faces = {"pki": "portal.urls_status", "door": "portal.urls_door"}  # all others are on the portal
    known = {f"{space}:{name}" for space in SPACES for name in _names(space, faces.get(space))}
    if path.is_relative_to(FOLDER / "check"):
        known = {name for name in get_resolver("portal.urls_check").reverse_dict if isinstance(name, str)}
    used = re.findall(r"""\{% url ["']([\w:-]+)["']""", path.read_text())
    assert not set(used) - known


def _names(namespace: str, face: str | None) -> list[str]:
    _, resolver = get_resolver(face).namespace_dict[namespace]
    return [name for name in resolver.reverse_dict if isinstance(name, str)]
