"""How our form templates render: what a screen reader hears, where an error's link leads."""

import re

import pytest
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.test import RequestFactory

from portal import errors
from tests.design.pages import AskForm, contents, render


def test_hint_and_error_are_announced_with_their_input() -> None:
    html = str(AskForm({})["device"].as_field_group())
    assert 'aria-describedby="id_device_helptext id_device_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<p class="hint" id="id_device_helptext">' in html
    assert '<div id="id_device_error"><p class="error">' in html


def test_what_was_typed_is_kept_and_escaped() -> None:
    html = str(AskForm({"device": '"><script>'}))
    assert "&quot;&gt;&lt;script&gt;" in html
    assert "<script>" not in html


def test_a_choice_shows_its_sub_text_below_its_name() -> None:
    html = str(AskForm()["purpose"].as_field_group())
    assert "<legend>Purpose</legend>" in html
    assert '<span>MQTT device<span class="sub">A lamp, a sensor, a lock</span></span>' in html


def test_a_checkbox_stands_before_its_label_in_one_row() -> None:
    html = str(AskForm()["one_person"].as_field_group())
    assert re.search(r'<label class="choice"><input type="checkbox"[^>]*><span>One-person household', html)


def test_only_what_may_stay_empty_says_so() -> None:
    assert "(optional)" in str(AskForm()["file"].as_field_group())
    assert "(optional)" not in str(AskForm()["device"].as_field_group())


def test_a_form_can_say_that_a_field_is_needed_though_another_may_stand_for_it() -> None:
    form = AskForm()
    form.not_optional = {"file"}
    assert "(optional)" not in str(form["file"].as_field_group())


def test_every_error_in_the_summary_leads_to_an_input() -> None:
    form = AskForm({})
    form.add_error(None, "The key is already waiting.")
    summary = render_to_string("parts/errors.html", {"form": form})
    fields = str(form)
    targets = re.findall(r'href="#([^"]+)"', summary)
    assert len(targets) == 4
    assert all(f'id="{target}"' in fields for target in targets)
    assert "The key is already waiting." in summary


def test_a_form_without_errors_has_no_summary() -> None:
    assert "error-summary" not in render_to_string("parts/errors.html", {"form": AskForm()})


def test_the_code_field_gives_way_to_a_sentence_while_the_last_code_counts() -> None:
    form = AskForm()
    assert 'autocomplete="one-time-code"' in render_to_string("parts/fresh_code.html", {"form": form})
    del form.fields["code"]
    assert "still counts" in render_to_string("parts/fresh_code.html", {"form": form})


@pytest.mark.parametrize("name", list(contents()))
def test_a_page_names_each_id_once(name: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', render(*contents()[name]))
    assert sorted(ids) == sorted(set(ids))


def test_navigation_shows_what_the_roles_allow() -> None:
    template, context = contents()["home"]
    everything = render(template, context)
    requester = render(template, {**context, "my_roles": frozenset({"requester"})})
    nobody = render(template, {**context, "user": None})
    assert all(word in everything for word in (">Queue<", ">People<", ">Audit<", ">Status<", ">Sign out<"))
    assert not any(word in requester for word in (">Queue<", ">People<", ">Audit<", ">Status<"))
    assert "<nav" not in nobody


def test_the_present_page_is_marked_in_the_navigation() -> None:
    assert re.findall(r'aria-current="page">(\w+)', render(*contents()["list"])) == ["Queue"]


def test_the_page_for_our_own_faults_needs_no_context() -> None:
    assert "<h1>" in render("error.html", {})


def test_an_error_page_keeps_its_looks_when_the_database_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr("accounts.household.current", broken)
    answer = errors.page(RequestFactory().get("/"), 500, "Something broke", "It was our fault.")
    assert answer.status_code == 500
    assert b"latchkey.css" in answer.content
    assert b"It was our fault." in answer.content
