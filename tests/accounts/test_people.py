"""Roles, deactivation, and four eyes."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts import household, invitations, people
from accounts.errors import Refused
from accounts.independence import NotIndependent, is_independent, may_decide_for
from accounts.models import Household, Invitation, User
from audit.models import AuditEvent
from tests.accounts.test_totp import in_parallel

pytestmark = pytest.mark.django_db

BOTH = frozenset({"requester", "auditor"})


@pytest.fixture
def second(db: None) -> User:
    return User.objects.create_user("second", is_administrator=True)


def test_an_administrator_changes_roles_and_the_audit_says_which(alice: User, dora: User) -> None:
    people.change_roles(alice, BOTH, by=dora)
    assert User.objects.get(pk=alice.pk).roles == BOTH
    line = AuditEvent.objects.get(action="role.changed")
    assert (line.actor, line.target, line.detail) == ("dora", "alice", {"given": ["auditor"], "taken": []})


@pytest.mark.parametrize("who", ["alice", "bob", "erin"])
def test_nobody_else_changes_roles(who: str, request: pytest.FixtureRequest, charlie: User) -> None:
    by = request.getfixturevalue(who)
    for verb in (
        lambda: people.change_roles(charlie, BOTH, by=by),
        lambda: people.set_active(charlie, False, by=by),
    ):
        with pytest.raises(Refused, match="Only administrators"):
            verb()


def test_nobody_changes_their_own_roles_or_deactivates_themselves(dora: User, second: User) -> None:
    for verb in (
        lambda: people.change_roles(dora, BOTH, by=dora),
        lambda: people.set_active(dora, False, by=dora),
    ):
        with pytest.raises(Refused, match="your own account"):
            verb()


@pytest.mark.parametrize("roles", [frozenset(), frozenset({"emperor"})])
def test_a_person_has_at_least_one_real_role(alice: User, dora: User, roles: frozenset[str]) -> None:
    with pytest.raises(Refused):
        people.change_roles(alice, roles, by=dora)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_remove_each_other_at_once_leave_one(dora: User, second: User) -> None:
    pairs = [(dora, second), (second, dora)]

    def remove() -> object:
        person, by = pairs.pop()
        return people.change_roles(person, BOTH, by=by)

    results = in_parallel(2, remove)
    assert [type(found) for found in results].count(Refused) == 1
    assert User.objects.filter(is_administrator=True).count() == 1


def test_a_deactivated_person_is_out_at_once(
    browser: Client, alice: User, dora: User, sign_in: Callable
) -> None:
    sign_in(browser, alice)
    assert browser.get("/account").status_code == 200
    people.set_active(alice, False, by=dora)
    assert browser.get("/account").status_code == 302
    people.set_active(alice, True, by=dora)
    actions = AuditEvent.objects.order_by("sequence").values_list("action", flat=True)
    assert list(actions) == ["person.deactivated", "person.reactivated"]


def test_links_are_withdrawn_by_their_maker_or_an_administrator(bob: User, dora: User, erin: User) -> None:
    for by in (bob, dora):
        invitations.make(bob, roles=frozenset({"requester"}))
        link = Invitation.objects.get()
        with pytest.raises(Refused):
            invitations.withdraw(link, by=erin)
        invitations.withdraw(link, by=by)
        assert not Invitation.objects.exists()
        with pytest.raises(Refused, match="in the meantime"):
            invitations.withdraw(link, by=by)


def test_officer_and_owner_who_have_nothing_to_do_with_each_other_may_decide(alice: User, bob: User) -> None:
    assert is_independent(bob, alice)
    may_decide_for(bob, alice, household.current())


@pytest.mark.parametrize(
    ("relation", "words"),
    [("self", "your own request"), ("invited_by", "You invited"), ("reset_by", "a new password and app")],
)
def test_who_is_not_independent_may_not_decide_unless_the_switch_is_on(
    alice: User, bob: User, relation: str, words: str
) -> None:
    owner = bob if relation == "self" else alice
    if relation != "self":
        setattr(alice, relation, bob)
    with pytest.raises(NotIndependent, match=words) as refusal:
        may_decide_for(bob, owner, Household())
    assert refusal.value.remedy == "Ask another officer to look at it."
    may_decide_for(bob, owner, Household(one_person=True))
    assert not is_independent(bob, owner)


@pytest.mark.parametrize("later", ["dora", None])
def test_whoever_reset_an_account_once_stays_not_independent_after_a_later_reset(
    alice: User, bob: User, dora: User, later: str | None
) -> None:
    """What bob asked for while he held the account may still wait when it is alice's again."""
    used = {"lapses_at": timezone.now(), "used_at": timezone.now()}
    Invitation.objects.create(digest="1", account=alice, made_by=bob, **used)
    Invitation.objects.create(digest="2", account=alice, made_by=dora if later else None, **used)
    alice.reset_by = dora if later else None
    alice.save()
    with pytest.raises(NotIndependent, match="a new password and app"):
        may_decide_for(bob, alice, household.current())


@pytest.mark.parametrize("last", [True, False])
def test_an_officer_whose_account_the_owner_reset_may_not_decide_on_the_owners_requests(
    alice: User, bob: User, dora: User, last: bool
) -> None:
    """Dora, who administers, could hold bob's account: she set its password and app."""
    used = {"lapses_at": timezone.now(), "used_at": timezone.now()}
    Invitation.objects.create(digest="1", account=bob, made_by=dora, **used)
    bob.reset_by = dora if last else None
    bob.save()
    with pytest.raises(NotIndependent, match=r"Dora \(dora\) gave you a new password and app"):
        may_decide_for(bob, dora, household.current())
    may_decide_for(bob, dora, Household(one_person=True))
    may_decide_for(bob, alice, household.current())


def test_a_reset_link_that_nobody_used_takes_nothing_away(alice: User, bob: User) -> None:
    invitations.make(bob, account=alice)
    assert is_independent(bob, alice)


# The pages


def page_of(person: User, verb: str = "") -> str:
    return f"/people/{person.pk}{verb}"


def test_the_list_shows_people_and_open_links_and_finds_by_name(
    browser: Client, bob: User, alice: User, sign_in: Callable
) -> None:
    invitations.make(bob, roles=frozenset({"requester"}), full_name="Zoe Z.")
    sign_in(browser, bob)
    everybody = browser.get("/people").content.decode()
    assert "Alice" in everybody
    assert "Zoe Z." in everybody
    found = browser.get("/people", {"q": "ALI\x00"}).content.decode()
    assert page_of(alice) in found
    assert page_of(bob) not in found
    assert "Made by" in everybody and "Bob (bob)" in everybody
    assert "Nobody here has such a name" in browser.get("/people", {"q": "%_'\""}).content.decode()


def test_a_name_is_shown_and_never_run(browser: Client, bob: User, alice: User, sign_in: Callable) -> None:
    User.objects.filter(pk=alice.pk).update(full_name="<script>alert(1)</script>")
    sign_in(browser, bob)
    for url in ("/people", page_of(alice), page_of(alice, "/reset")):
        page = browser.get(url).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_an_officer_invites_a_requester_and_sees_the_link_once(
    browser: Client, bob: User, sign_in: Callable
) -> None:
    sign_in(browser, bob)
    answer = browser.post("/people/invite", {"full_name": "Zoe", "hours": "24", "roles": ["administrator"]})
    assert answer["Location"] == "/people/link"
    page = browser.get("/people/link").content.decode()
    assert "https://testserver/invite/" in page
    assert "<svg" in page
    assert browser.get("/people/link")["Location"] == "/people"
    assert Invitation.objects.get().roles == ["requester"]
    line = AuditEvent.objects.get(action="person.invited")
    assert (line.actor, line.target, line.detail) == ("bob", "Zoe", {"roles": ["requester"], "hours": 24})


def test_an_administrator_chooses_the_roles(browser: Client, dora: User, sign_in: Callable) -> None:
    sign_in(browser, dora)
    assert browser.post("/people/invite", {"full_name": "Zoe", "hours": "24"}).status_code == 400
    browser.post("/people/invite", {"full_name": "Zoe", "hours": "24", "roles": ["auditor", "officer"]})
    assert Invitation.objects.get().roles == ["auditor", "officer"]


def test_a_link_made_on_the_machine_itself_carries_a_name_others_can_reach(
    browser: Client, bob: User, sign_in: Callable
) -> None:
    sign_in(browser, bob)
    data = {"full_name": "Zoe", "hours": "24"}
    browser.post("/people/invite", data, HTTP_HOST="localhost:8443")
    page = browser.get("/people/link").content.decode()
    assert "https://portal.home.arpa:8443/invite/" in page


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/people/invite", {"full_name": "Zoe", "hours": "24", "roles": ["auditor"]}),
        ("/household", {"name": "The Zanders", "time_zone": "UTC", "one_person": "on"}),
        ("/people/PK", {"roles": ["auditor"]}),
        ("/people/PK/active", {}),
        ("/people/PK/reset", {}),
    ],
)
def test_what_administrators_change_needs_a_fresh_code(
    browser: Client,
    dora: User,
    alice: User,
    sign_in: Callable,
    code_for: Callable,
    path: str,
    data: dict[str, object],
) -> None:
    path = path.replace("PK", str(alice.pk))
    sign_in(browser, dora, fresh=False)
    assert 'name="code"' in browser.get(path).content.decode()
    refused = browser.post(path, data)
    assert refused.status_code == 400
    assert "Type the six digits" in refused.content.decode()
    assert not AuditEvent.objects.exists()
    assert browser.post(path, {**data, "code": code_for(dora)}).status_code == 302
    assert AuditEvent.objects.count() == 1


def test_the_one_person_switch_says_what_it_costs_and_is_audited(
    browser: Client, dora: User, sign_in: Callable
) -> None:
    sign_in(browser, dora)
    assert "the second pair of eyes" in browser.get("/household").content.decode()
    browser.post("/household", {"name": "Our household", "time_zone": "Europe/Vienna", "one_person": "on"})
    assert household.current().one_person
    line = AuditEvent.objects.get(action="household.changed")
    assert line.detail == {
        "one_person": {"before": False, "after": True},
        "time_zone": {"before": "UTC", "after": "Europe/Vienna"},
    }


@pytest.mark.parametrize("name", ["", "x" * 65, "a\u202eb", "tab\x00"])
def test_a_bad_household_name_is_refused_and_nothing_changes(
    browser: Client, dora: User, sign_in: Callable, name: str
) -> None:
    sign_in(browser, dora)
    answer = browser.post("/household", {"name": name, "time_zone": "Europe/Vienna"})
    assert answer.status_code == 400
    assert household.current().time_zone == "UTC"


def test_roles_are_changed_on_the_page_of_a_person(
    browser: Client, dora: User, alice: User, sign_in: Callable
) -> None:
    sign_in(browser, dora)
    assert browser.post(page_of(alice), {"roles": ["requester", "officer"]}).status_code == 302
    assert User.objects.get(pk=alice.pk).roles == {"requester", "officer"}
    assert browser.post(page_of(alice), {"roles": ["emperor"]}).status_code == 400
    own = browser.get(page_of(dora)).content.decode()
    assert "This is you" in own
    assert "Save the roles" not in own
    browser.post(page_of(dora), {"roles": ["requester"]})
    assert User.objects.get(pk=dora.pk).is_administrator


def test_an_officer_sees_a_person_but_no_roles_to_change(
    browser: Client, bob: User, alice: User, dora: User, sign_in: Callable
) -> None:
    sign_in(browser, bob)
    page = browser.get(page_of(alice)).content.decode()
    assert "Save the roles" not in page
    assert "/reset" in page
    browser.post(page_of(alice), {"roles": ["administrator"]})
    assert User.objects.get(pk=alice.pk).roles == {"requester"}
    assert "/reset" not in browser.get(page_of(dora)).content.decode()
    assert browser.post(page_of(dora, "/reset"), {}).status_code == 400
    assert browser.post(page_of(alice, "/active"), {}).status_code == 404


def test_somebody_who_does_not_exist_is_not_found(browser: Client, dora: User, sign_in: Callable) -> None:
    sign_in(browser, dora)
    for verb in ("", "/active", "/reset"):
        assert browser.get(f"/people/{uuid4()}{verb}").status_code == 404
    assert browser.post(f"/people/links/{uuid4()}/withdraw").status_code == 404


def test_a_link_is_withdrawn_on_the_list(browser: Client, bob: User, dora: User, sign_in: Callable) -> None:
    invitations.make(dora, roles=frozenset({"requester"}))
    url = f"/people/links/{Invitation.objects.get().pk}/withdraw"
    sign_in(browser, bob)
    browser.post(url)
    assert "made by somebody else" in browser.get("/people").content.decode()
    sign_in(browser, dora)
    browser.post(url)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("who", ["alice", "erin"])
def test_requesters_and_auditors_see_nothing_of_this(
    browser: Client, who: str, bob: User, sign_in: Callable, request: pytest.FixtureRequest
) -> None:
    sign_in(browser, request.getfixturevalue(who))
    for path in (
        "/people",
        "/people/invite",
        "/people/link",
        "/household",
        page_of(bob),
        page_of(bob, "/reset"),
    ):
        assert browser.get(path).status_code == 404
