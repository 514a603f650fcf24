"""What a press says: one topic, and bytes into which no name can smuggle anything."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from door import payload
from door.models import Door, PinUse
from tests.nasty import NASTY

AT = datetime(2026, 11, 23, 12, 0, 0, 900_000, tzinfo=UTC)
SOON = AT + timedelta(seconds=5)
TEXT = st.one_of(st.text(max_size=80), st.sampled_from(NASTY))
TEMPLATES = st.sampled_from(
    [
        *("{cn}:{pin}:", "{cn} {user} {nonce}", "open;{user};{time};{deadline}", "{pin}", "{door}/{cn}"),
        *('{"who":"{cn}","pin":"{pin}"}', "<x a='{cn}'/>", "{cn}\u20ac{pin}", "[{user}|{pin}]"),
    ]
)


def render(door: Door, **more: Any) -> str:
    values = {"cn": "Anna, phone", "user": "anna", "pin": "482916", "nonce": "n1", "at": AT, "deadline": SOON}
    return payload.render(door, **{**values, **more}).decode()


def test_ours_is_json_with_nonce_time_and_deadline() -> None:
    assert json.loads(render(Door(slug="front"))) == {
        **{"v": 1, "door": "front", "by": "Anna, phone", "nonce": "n1"},
        **{"time": int(AT.timestamp()), "deadline": int(SOON.timestamp())},
    }


def test_the_pin_travels_only_to_a_home_that_checks_it() -> None:
    assert json.loads(render(Door(slug="front", pin=PinUse.HOME)))["pin"] == "482916"
    for use in (PinUse.HERE, PinUse.NONE):
        assert "482916" not in render(Door(slug="front", pin=use))
        assert "482916" not in render(Door(slug="front", pin=use, payload="{cn}:{pin}:"))


def test_the_template_of_the_story_serves_an_existing_home() -> None:
    assert render(Door(slug="front", pin=PinUse.HOME, payload="{cn}:{pin}:")) == "Anna, phone:482916:"


def test_every_field_can_be_filled_in() -> None:
    door = Door(slug="front", pin=PinUse.HOME, payload="{cn}|{user}|{pin}|{door}|{nonce}|{time}|{deadline}")
    assert render(door) == "Anna, phone|anna|482916|front|n1|1795435200|1795435205"


def test_a_name_brings_along_no_separator_no_field_and_no_escape() -> None:
    door = Door(slug="front", pin=PinUse.HOME, payload="{cn}:{pin}:")
    assert render(door, cn="root:000000") == "root_000000:482916:"
    assert render(door, cn="{pin}") == "{pin}:482916:"
    assert render(door, cn="a\\n\n\0b") == "a_n__b:482916:"


@given(cn=TEXT, pin=TEXT, template=TEMPLATES)
def test_a_template_has_as_many_separators_whatever_is_filled_in(cn: str, pin: str, template: str) -> None:
    door = Door(slug="front", pin=PinUse.HOME, payload=template)
    usual, found = render(door, cn="x", pin="1", nonce="n"), render(door, cn=cn, pin=pin, nonce="n")
    signs = {char for char in usual if not char.isalnum()}
    assert {sign: found.count(sign) for sign in signs} == {sign: usual.count(sign) for sign in signs}
    assert "\\" not in found and found.isprintable()


@given(cn=TEXT)
def test_json_stays_json_whatever_the_name(cn: str) -> None:
    said = render(Door(slug="front"), cn=cn)
    assert said.isascii() and said.isprintable()
    assert set(json.loads(said)) == {"v", "door", "by", "nonce", "time", "deadline"}


@pytest.mark.parametrize(
    "topic", ["rfid/door1/open", "latchkey/front-door/open", "T\u00fcr 1/auf", "a" * 200]
)
def test_ordinary_topics_are_taken(topic: str) -> None:
    payload.check_topic(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        " ",
        "+/open",
        "a/#",
        "$SYS/x",
        "/a",
        " a",
        "a ",
        "a\0b",
        "a\nb",
        "\u202ea",
        "a" * 201,
        "\u00fc" * 101,
    ],
)
def test_other_topics_are_refused_with_an_example(topic: str) -> None:
    with pytest.raises(ValueError, match="For example: latchkey/front-door/open"):
        payload.check_topic(topic)


@given(text=TEXT)
def test_a_topic_that_is_taken_can_be_published_to_and_names_one_topic(text: str) -> None:
    try:
        payload.check_topic(text)
    except ValueError as error:
        assert str(error).isprintable()
        return
    assert 0 < len(text.encode()) <= 200
    assert not set(text) & set("+#\0") and text[0] not in "$/ "
    assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co")]


@pytest.mark.parametrize(
    "template", ["{cn}:{pin}:", '{"a":"{cn}"}', "open", "{}"[:1] + " {cn}", "{ {user} }"]
)
def test_templates_that_can_be_filled_in_are_taken(template: str) -> None:
    payload.check_template(template)


@pytest.mark.parametrize(
    "template", ["", "  ", "{name}", "{CN}", "{}", "a\nb", "x" * 501, "{cn.__class__}{x}"]
)
def test_other_templates_are_refused_with_a_sentence(template: str) -> None:
    with pytest.raises(ValueError, match=r"\.|\{"):
        payload.check_template(template)


@given(template=TEXT)
def test_whatever_template_is_taken_can_be_rendered(template: str) -> None:
    try:
        payload.check_template(template)
    except ValueError as error:
        assert str(error)
    else:
        assert render(Door(slug="front", payload=template)).isprintable()
