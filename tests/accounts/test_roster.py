"""Lists of people, as they are pasted and as spreadsheets write them."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from accounts import invitations, roster, roster_text
from accounts.models import User
from accounts.roster import Entry

REQUESTER = frozenset({"requester"})


def read(text: str, by: User) -> list[Entry]:
    return roster.read(text, by=by, roles=REQUESTER)[0]


def faults(text: str, by: User) -> list[str]:
    return [fault for entry in read(text, by) for fault in entry.faults]


def test_names_one_a_line_are_a_list(bob: User) -> None:
    found = read('\ufeffAnna  Huber\r\n\r\n  Jörg Öztürk\r\n"Maria"\nHuber, Xaver', bob)
    names = [(entry.line, entry.name) for entry in found]
    assert names == [(1, "Anna Huber"), (3, "Jörg Öztürk"), (4, "Maria"), (5, "Huber, Xaver")]
    assert all(not entry.faults and entry.roles == REQUESTER for entry in found)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_table_is_read_by_its_headings_whatever_its_separator(
    separator: str, quote: str, dora: User
) -> None:
    rows = [
        ["E-Mail", "Name", "User name", "ROLES", "Gerät", "Birthday"],
        ["anna@example.org", "Anna Huber", "Anna", "officer requester", "phone", "1 May"],
        ["", "Bea", "", "", "", ""],
    ]
    text = "\n".join(separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)
    found, unused = roster.read(text, by=dora, roles=REQUESTER)
    both = frozenset({"officer", "requester"})
    assert found == [
        Entry(2, "Anna Huber", "anna", "anna@example.org", "phone", both),
        Entry(3, "Bea", roles=REQUESTER),
    ]
    assert unused == ["Birthday"]


def test_quotation_marks_hold_separators_and_quotation_marks(bob: User) -> None:
    found = read('sep=;\nname;device\n"Huber; Anna";"the ""old"" one"\n', bob)
    assert [(entry.line, entry.name, entry.device) for entry in found] == [
        (3, "Huber; Anna", 'the "old" one')
    ]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Jörg".encode(), "Jörg"),
        ("Jörg".encode("utf-8-sig"), "Jörg"),
        ("Jörg €".encode("cp1252"), "Jörg €"),
        ("Jörg".encode("utf-16"), "Jörg"),
        (b"", ""),
    ],
)
def test_files_are_read_in_the_encodings_of_spreadsheets(data: bytes, text: str) -> None:
    assert roster_text.decoded(data) == text


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04rest of an xlsx", "Save it as CSV"),
        (b"J\x81rg", "no text that can be read"),
        (b"\xff\xfe\x00", "no text that can be read"),
        (b"a" * 65_537, "too large"),
    ],
)
def test_files_that_are_no_lists_are_refused_with_the_way_out(data: bytes, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        roster_text.decoded(data)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Anna\nANNA", "Line 1 has the same name"),
        ("name,e-mail\nAnna,a@example.org\nAnna,A@EXAMPLE.org", "Line 2 has the same name"),
        ("name,username\nAnna,anna\nBea,anna", "anna is taken. Line 2"),
        ("Alice", "Alice (alice) is here already"),
        ("name,username\nAlina,alice", "alice is taken. Alice (alice) is here already"),
        ("Zoe Zander", "Zoe Zander was invited already"),
        ("name,roles\nAnna,emperor", "there is no “emperor”"),
        ("name,roles\nAnna,administrator", "you may not make somebody Administrator"),
        ("x" * 65, "too long"),
        ("p\u0430ul", "mixes Cyrillic and Latin"),
        ("a\u202eb", "invisible character"),
        ("name,device\nAnna,a\u200bb", "Device: The name contains an invisible"),
        ("name,e-mail\nAnna,nonsense", "no address"),
        (f"name,e-mail\nAnna,{'a' * 250}@example.org", "too long"),
        ("name,username\nAnna,An na!", "User name: Use up to 64"),
        ("name,e-mail\n,anna@example.org", "empty"),
        ("Anna,anna@example.org", "Name its columns"),
        ("Anna;phone", "Name its columns"),
        ("name\nAnna,phone", "more cells than headings"),
        ('name,device\n"Anna,phone\nBea,phone', "quotation mark is not closed"),
    ],
)
def test_what_is_wrong_stands_beside_its_line(text: str, why: str, bob: User, alice: User) -> None:
    invitations.make(bob, roles=REQUESTER, full_name="Zoe Zander")
    found = faults(text, bob)
    assert len(found) == 1 and why in found[0], found


@pytest.mark.parametrize(
    "text",
    [
        "name,username\nAnna,anna\nAnna,anna2",
        "name,e-mail\nAnna,a@example.org\nAnna,b@example.org",
        "name,e-mail\nAnna,family@example.org\nBea,family@example.org",
        "name,username\nAlice,alice2",
    ],
)
def test_people_of_the_same_name_are_told_apart(text: str, bob: User, alice: User) -> None:
    assert not faults(text, bob)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "at least one name"),
        ("\ufeff \n\t\n", "at least one name"),
        ("name,e-mail\n", "at least one name"),
        ("\n".join(f"Person {n}" for n in range(201)), "201 people"),
        ("name,mail,e-mail\nAnna,a,b", "Two columns say email"),
    ],
)
def test_what_is_wrong_with_all_of_it_is_said_once(text: str, why: str, bob: User) -> None:
    with pytest.raises(ValidationError, match=why):
        read(text, bob)


CELLS = st.text(st.sampled_from("Añ,;\t\"' \n\r@=|\u202e\u2028\0\x1c\ufeff0é") | st.characters(), max_size=12)


@effort(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["", "name,e-mail\n", "name;roles;device\n", "username\tname\n"]),
    st.lists(CELLS, max_size=8),
)
def test_whatever_is_typed_is_judged_line_by_line(bob: User, header: str, rows: list[str]) -> None:
    text = header + "\n".join(rows)
    try:
        found = read(text, bob)
    except ValidationError as refused:
        assert refused.messages
        return
    for entry in found:
        assert entry.faults or (entry.name and "\n" not in entry.name and entry.roles)
        assert entry.name.isprintable() and entry.email.isprintable() and entry.device.isprintable()


@effort(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_whatever_is_uploaded_is_text_or_refused(data: bytes) -> None:
    try:
        assert isinstance(roster_text.decoded(data), str)
    except ValidationError as refused:
        assert refused.messages
