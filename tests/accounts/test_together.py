"""Many invited at once: looked at first, made all together or not at all, shown for an hour."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts import invitations, roster, together
from accounts.errors import Refused
from accounts.models import Invitation, InvitationGroup, User
from accounts.session_store import row_of
from audit.models import AuditEvent
from tests.accounts.test_totp import in_parallel
from tests.accounts.walk import join
from tests.conftest import Browser, open_session

pytestmark = pytest.mark.django_db

PAGE = "/people/together"
TABLE = "name,e-mail,username,device\nAnna Huber,anna@example.org,anna,red phone\nJörg Maier,,,\n"
Fields = dict[str, object]


def fields(text: str = TABLE, **more: object) -> Fields:
    return {"name": "Spring 2027", "text": text, "hours": "168", "once": str(uuid4()), **more}


def many(count: int) -> str:
    return "name,e-mail\n" + "\n".join(f"Person {n:03},p{n}@example.org" for n in range(count))


@pytest.fixture
def officer(browser: Client, bob: User) -> Client:
    return open_session(browser, bob)


def invited(browser: Client, **more: object) -> InvitationGroup:
    """Both steps; gives the group."""
    answer = browser.post(PAGE, {**fields(), **more, "confirmed": "1"})
    assert answer.status_code == 302, answer.content.decode()
    return InvitationGroup.objects.latest("made_at")


def links_on(browser: Client, group: InvitationGroup) -> list[str]:
    page = browser.get(f"/people/groups/{group.pk}/links").content.decode()
    found = re.findall(r'https://testserver(/invite/)<span class="token">([a-z0-9-]+)</span>', page)
    return [invite + token for invite, token in found]


def test_first_it_is_shown_and_nothing_is_made(officer: Client) -> None:
    page = officer.post(PAGE, fields()).content.decode()
    assert "Spring 2027: 2 people" in page and "Nothing was made yet" in page
    assert "red phone" in page and "Jörg Maier" in page and "Invite 2 people" in page
    assert not Invitation.objects.exists() and not AuditEvent.objects.exists()
    hidden = re.findall(r'<(?:input type="hidden"|textarea[^>]*hidden)[^>]*name="(\w+)"', page)
    assert {"confirmed", "name", "hours", "once"} <= set(hidden) | {"confirmed"}


def test_then_everybody_has_a_link_of_their_own_and_a_line_in_the_audit(officer: Client) -> None:
    group = invited(officer)
    anna, joerg = group.invitations.order_by("full_name")
    assert (anna.username, anna.email, anna.device) == ("anna", "anna@example.org", "red phone")
    assert anna.roles == joerg.roles == ["requester"]
    lines = AuditEvent.objects.order_by("sequence").values_list("action", "target")
    assert list(lines) == [
        ("person.invited", "Anna Huber"),
        ("person.invited", "Jörg Maier"),
        ("person.group-invited", "Spring 2027"),
    ]
    assert AuditEvent.objects.first().detail["people"] == 2  # the newest
    for path in links_on(officer, group):
        token = path.removeprefix("/invite/")
        assert invitations.find(token).group == group
        assert token not in str(list(Invitation.objects.values())) + str(list(AuditEvent.objects.values()))


def test_without_a_fresh_code_nothing_is_made_and_the_list_is_kept(
    browser: Client, bob: User, code_for: Callable[[User], str]
) -> None:
    open_session(browser, bob, fresh=False)
    empty = browser.get(PAGE)
    assert empty.status_code == 200 and 'name="code"' not in empty.content.decode()
    assert 'name="code"' in browser.post(PAGE, fields()).content.decode()
    given = fields(confirmed="1")
    refused = browser.post(PAGE, given)
    page = refused.content.decode()
    assert refused.status_code == 400 and "Type the six digits" in page and "anna@example.org" in page
    assert not Invitation.objects.exists()
    assert browser.post(PAGE, {**given, "code": code_for(bob)}).status_code == 302
    assert Invitation.objects.count() == 2


def test_what_is_wrong_stands_beside_its_line_and_all_that_was_typed_is_kept(officer: Client) -> None:
    text = TABLE + "\n".join(f"Nobody {n},no address" for n in range(7))
    answer = officer.post(PAGE, fields(text, confirmed="1"))
    page = answer.content.decode()
    assert answer.status_code == 400 and not Invitation.objects.exists()
    assert "Line 4: E-mail: This is no address" in page and "And 2 more, in the list below" in page
    assert page.count("Look again") == 7 and page.count("Will be invited") == 2
    assert 'value="Spring 2027"' in page and "Nobody 6,no address</textarea>" in page


def test_a_file_is_read_into_the_page_so_that_it_can_be_mended_there(officer: Client) -> None:
    data = "name;roles\nJörg;emperor\n".encode("cp1252")
    answer = officer.post(PAGE, fields("", file=SimpleUploadedFile("a.csv", data)))
    assert answer.status_code == 400
    assert "name;roles\r\nJörg;emperor" in answer.content.decode().replace("\n", "\r\n").replace("\r\r", "\r")
    good = officer.post(PAGE, fields("", file=SimpleUploadedFile("a.csv", "Jörg".encode("cp1252"))))
    assert good.status_code == 200 and "Invite 1 person" in good.content.decode()
    bad = officer.post(PAGE, fields("", file=SimpleUploadedFile("a.xlsx", b"PK\x03\x04")))
    assert bad.status_code == 400 and "Save it as CSV" in bad.content.decode()


def test_change_the_list_goes_back_with_everything(officer: Client) -> None:
    page = officer.post(PAGE, fields(confirmed="1", change="1")).content.decode()
    assert "Look at the list" in page and "red phone" in page
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": ""}, "Give the group a name"),
        ({"name": "a\u202eb"}, "invisible"),
        ({"text": ""}, "at least one name"),
        ({"text": "a\0b"}, "Null characters"),
        ({"text": "x" * 70_000}, "Make two lists"),
        ({"hours": "9999"}, "Select a valid choice"),
        ({"once": "nonsense"}, "open the page anew"),
        ({"once": ""}, "open the page anew"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(officer: Client, more: Fields, why: str) -> None:
    answer = officer.post(PAGE, {**fields(), "confirmed": "1", **more})
    assert answer.status_code == 400 and why in answer.content.decode()
    assert not Invitation.objects.exists()


def test_the_same_form_sent_twice_makes_nothing_twice(officer: Client) -> None:
    given = fields(confirmed="1")
    first, second = (officer.post(PAGE, given) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Invitation.objects.count() == 2 and InvitationGroup.objects.count() == 1
    again = officer.post(PAGE, {**given, "once": str(uuid4())})
    assert again.status_code == 400 and "There is a group Spring 2027 already" in again.content.decode()


def test_of_two_at_the_same_moment_one_makes_it_and_the_other_nothing(bob: User) -> None:
    entries, once = roster.read("Anna", by=bob, roles=frozenset({"requester"}))[0], uuid4()
    together.invite(bob, name="One", entries=entries, hours=1, once=once)
    with pytest.raises(IntegrityError):
        together.invite(bob, name="One", entries=entries, hours=1, once=once)


def test_all_or_nothing(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = roster.read(many(5), by=bob, roles=frozenset({"requester"}))[0]
    real, calls = together.trail.record, []

    def fails_at_the_third(*args: object, **more: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise RuntimeError("the disk is full")
        return real(*args, **more)

    monkeypatch.setattr(together.trail, "record", fails_at_the_third)
    with pytest.raises(RuntimeError):
        together.invite(bob, name="Five", entries=entries, hours=1, once=uuid4())
    assert not Invitation.objects.exists() and not InvitationGroup.objects.exists()
    assert not AuditEvent.objects.exists()


def test_an_officer_gives_no_roles_but_requester_and_an_administrator_all(
    browser: Client, bob: User, dora: User
) -> None:
    given = fields("name,roles\nAnna,auditor\nBea,", roles=["officer"], confirmed="1")
    open_session(browser, bob)
    assert browser.post(PAGE, given).status_code == 400
    with pytest.raises(Refused):
        entry = roster.Entry(1, "Anna", roles=frozenset({"officer"}))
        together.invite(bob, name="x", entries=[entry], hours=1, once=uuid4())
    open_session(browser, dora)
    assert browser.post(PAGE, given).status_code == 302
    assert list(Invitation.objects.order_by("full_name").values_list("roles", flat=True)) == [
        ["auditor"],
        ["officer"],
    ]


def test_two_hundred_fit_into_a_sheet_and_the_session(officer: Client) -> None:
    group = invited(officer, text=many(200))
    assert group.invitations.count() == 200 and AuditEvent.objects.count() == 201
    found = links_on(officer, group)
    assert len(set(found)) == 200
    session = Session.objects.get(pk=row_of(officer.session.session_key or ""))
    assert len(session.session_data) < 64_000  # bytes; it is read with each request of this browser
    assert found[0].removeprefix("/invite/") not in session.session_data
    assert not any(found[0][8:] in str(value) for value in session.get_decoded().values())


def test_the_sheet_shows_a_card_each_with_what_to_do(officer: Client) -> None:
    group = invited(officer)
    page = officer.get(f"/people/groups/{group.pk}/links").content.decode()
    assert page.count('class="qr"') == 2 and page.count("<svg xmlns") == 2
    letter = re.search(r'href="(mailto:[^"]+)"', page)
    assert letter and page.count("mailto:") == 1  # Jörg has no address
    told = unquote(letter[1])
    assert told.startswith(
        "mailto:anna@example.org?subject=Your link to Our household&amp;body=Hello Anna Huber,"
    )
    assert links_on(officer, group)[0] in told
    assert re.fullmatch(r"/invite/([a-z2-9]{4}-){4}[a-z2-9]{4}", links_on(officer, group)[0])


def test_the_sheet_ends_after_an_hour_or_when_it_is_hidden_and_is_nobody_elses(
    officer: Client, dora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = invited(officer)
    assert len(links_on(officer, group)) == len(links_on(officer, group)) == 2
    another = open_session(type(officer)(), dora)
    assert another.get(f"/people/groups/{group.pk}/links")["Location"] == f"/progress/{group.pk}"
    assert another.get(f"/people/groups/{group.pk}/links.csv").status_code == 302
    officer.post(f"/people/groups/{group.pk}/links/forget")
    assert officer.get(f"/people/groups/{group.pk}/links")["Location"] == f"/progress/{group.pk}"


def test_the_csv_runs_in_no_spreadsheet_and_can_be_read_back(officer: Client) -> None:
    group = invited(officer, text='name,e-mail\n=1+2,"=x@example.org"\nJörg,j@example.org')
    answer = officer.get(f"/people/groups/{group.pk}/links.csv")
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["name", "e-mail", "link"] and len(rows) == 3
    assert rows[1][0] == "'=1+2" and rows[1][1].startswith("'=")
    assert "attachment" in answer["Content-Disposition"]
    assert AuditEvent.objects.filter(action="person.links-exported", target="Spring 2027").exists()


def test_who_joins_is_known_by_their_invitation_and_gets_what_was_proposed(officer: Client) -> None:
    group = invited(officer)
    stranger = type(officer)()
    url = links_on(officer, group)[0]
    assert 'value="anna"' in stranger.get(url).content.decode()
    assert join(stranger, url, username="anna", full_name="Anna Huber").status_code == 302
    anna = User.objects.get(username="anna")
    assert anna.email == "anna@example.org" and anna.came_by.group == group
    assert 'value="red phone"' in stranger.get("/device").content.decode()
    assert len(links_on(officer, group)) == 1  # a used link is not shown again


def test_a_lost_link_is_replaced_and_the_old_one_opens_nothing(officer: Client, bob: User) -> None:
    group = invited(officer)
    before = links_on(officer, group)
    Invitation.objects.filter(full_name="Anna Huber").update(lapses_at=timezone.now() - timedelta(hours=1))
    lost = Invitation.objects.get(full_name="Anna Huber")
    assert "lapsed" in officer.get(f"/people/links/{lost.pk}/anew").content.decode()
    answer = officer.post(f"/people/links/{lost.pk}/anew", {"hours": "24"})
    assert answer["Location"] == f"/people/groups/{group.pk}/links"
    after = links_on(officer, group)
    assert len(after) == 2 and before[1] in after and before[0] not in after
    assert officer.get(before[0]).status_code == 410 and officer.get(after[0]).status_code == 200
    assert AuditEvent.objects.filter(action="person.link-anew", target="Anna Huber").count() == 1


def test_a_link_outside_of_groups_is_replaced_too(officer: Client, bob: User) -> None:
    token = invitations.make(bob, roles=frozenset({"requester"}), full_name="Zoe")
    answer = officer.post(f"/people/links/{Invitation.objects.get().pk}/anew", {"hours": "24"}, follow=True)
    assert "The link for Zoe" in answer.content.decode()
    with pytest.raises(Refused):
        invitations.find(token)


def test_everybody_who_has_not_joined_gets_a_new_link_at_once(officer: Client, dora: User, bob: User) -> None:
    group = invited(officer, text=many(3))
    old = links_on(officer, group)
    join(type(officer)(), old[0])
    page = officer.get(f"/people/groups/{group.pk}/anew").content.decode()
    assert "New links for 2 people" in page
    officer.post(f"/people/groups/{group.pk}/anew", {"hours": "24"})
    new = links_on(officer, group)
    assert len(new) == 2 and not set(new) & set(old)
    open_session(officer, dora)  # an administrator may replace anybody's, and answers for it from then on
    officer.post(f"/people/groups/{group.pk}/anew", {"hours": "24"})
    assert set(Invitation.objects.filter(used_at=None).values_list("made_by", flat=True)) == {dora.pk}
    open_session(officer, bob)
    refused = officer.post(f"/people/groups/{group.pk}/anew", {"hours": "24"})
    assert refused.status_code == 400 and "nobody here" in refused.content.decode()
    one = Invitation.objects.filter(used_at=None).first()
    stopped = officer.post(f"/people/links/{one.pk}/anew", {"hours": "24"})
    assert stopped.status_code == 400 and "made by somebody else" in stopped.content.decode()


def test_an_invitation_of_a_group_is_withdrawn_and_one_is_back_at_the_group(officer: Client) -> None:
    group = invited(officer)
    url, one = links_on(officer, group)[0], group.invitations.order_by("full_name")[0]
    answer = officer.post(f"/people/links/{one.pk}/withdraw")
    assert answer["Location"] == f"/progress/{group.pk}"
    assert officer.get(url).status_code == 410 and len(links_on(officer, group)) == 1


def test_a_new_link_needs_a_fresh_code(browser: Client, bob: User) -> None:
    open_session(browser, bob)
    group = invited(browser)
    open_session(browser, bob, fresh=False)
    for path in (f"/people/groups/{group.pk}/anew", f"/people/links/{group.invitations.first().pk}/anew"):
        answer = browser.post(path, {"hours": "24"})
        assert answer.status_code == 400 and "Type the six digits" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="person.link-anew").exists()


def test_the_people_page_lists_groups_and_not_each_link_of_them(officer: Client) -> None:
    group = invited(officer)
    page = officer.get("/people").content.decode()
    assert f"/progress/{group.pk}" in page and "Anna Huber" not in page


@pytest.mark.django_db(transaction=True)
def test_of_the_same_form_from_two_tabs_at_once_one_makes_it_and_both_show_it(bob: User) -> None:
    given = fields(confirmed="1")
    tabs = [open_session(Browser(), bob) for _ in range(4)]
    answers = in_parallel(4, lambda: tabs.pop().post(PAGE, given))
    group = InvitationGroup.objects.get()
    assert [getattr(answer, "headers", {}).get("Location") for answer in answers] == [
        f"/people/groups/{group.pk}/links"
    ] * 4, answers
    assert Invitation.objects.count() == 2
