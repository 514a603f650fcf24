"""Networks from which the portal, or what officers do there, can be reached at all."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts import household, networks
from accounts.models import Household, User
from audit import trail
from audit.models import AuditEvent
from tests.conftest import Browser

pytestmark = pytest.mark.django_db

HOME, OUTSIDE = "192.168.7.20", "203.0.113.9"
LAN = "192.168.7.0/24"
OFFICERS_PAGES = ("/queue", "/people", "/people/invite", "/status", "/doors/groups")


def only(**names: list[str]) -> None:
    household.current()
    Household.objects.update(**names)


def at(browser: Client, address: str) -> Client:
    browser.defaults["REMOTE_ADDR"] = address
    return browser


@pytest.fixture
def home(sign_in: Callable) -> Callable[..., Client]:
    return lambda user, address=HOME: at(sign_in(Browser(), user), address)


# What people type


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", []),
        ("192.168.1.0/24", ["192.168.1.0/24"]),
        (" 10.0.0.0/8,\n2001:DB8:1::/48 ; 10.0.0.0/8", ["10.0.0.0/8", "2001:db8:1::/48"]),
        ("192.168.1.7", ["192.168.1.7/32"]),
        ("192.168.1.0/255.255.255.0", ["192.168.1.0/24"]),
        ("::1", ["::1/128"]),
    ],
)
def test_networks_are_kept_in_their_one_form(typed: str, kept: list[str]) -> None:
    assert networks.read(typed) == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("192.168.1.7/24", "Write 192.168.1.0/24 for all of it"),
        ("home", "is no network"),
        ("192.168.1", "is no network"),
        ("192.168.1.0/33", "is no network"),
        ("0.0.0.0/0", "is no network of one household"),
        ("::/0", "is no network of one household"),
        ("::ffff:192.0.2.0/120", "is no network of one household"),
        ("fe80::1%eth0", "is no network of one household"),
        ("\x00", "is no network"),
        ("²/4 \u202e", "is no network"),
        (" ".join(f"10.0.0.{n}" for n in range(60)), "too many"),
    ],
)
def test_what_is_no_network_is_refused_in_a_sentence(typed: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        networks.read(typed)


@pytest.mark.parametrize(
    ("address", "inside"),
    [(HOME, True), ("2001:db8:1::5", True), (OUTSIDE, False), ("2001:db8:2::5", False), ("", False)],
)
def test_an_address_is_inside_of_one_network_or_outside_of_all(address: str, inside: bool) -> None:
    assert networks.holds([LAN, "2001:db8:1::/48"], address) is inside
    assert networks.holds([], address)


# The portal


def test_outside_there_is_one_plain_page_and_nothing_else(alice: User, home: Callable) -> None:
    only(portal_networks=[LAN], name="The Hubers")
    browser = home(alice, OUTSIDE)
    for path in (
        "/",
        "/login",
        "/account",
        "/help",
        "/trust",
        "/no/such/page",
        "/admin/",
        "/invite/x",
        "/back",
    ):
        for answer in (browser.get(path), browser.post(path)):
            assert answer.status_code == 403, path
            page = answer.content.decode()
            assert "Not from here" in page
            assert "Huber" not in page
            assert LAN not in page
            assert "alice" not in page.casefold()
            assert not answer.cookies
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert at(browser, HOME).get("/account").status_code == 200


def test_no_header_makes_anybody_come_from_inside(alice: User, home: Callable) -> None:
    only(portal_networks=[LAN])
    browser = home(alice, OUTSIDE)
    names = ("X_FORWARDED_FOR", "X_REAL_IP", "FORWARDED", "TRUE_CLIENT_IP", "CF_CONNECTING_IP", "REMOTE_ADDR")
    for name in names:
        assert browser.get("/account", **{f"HTTP_{name}": HOME}).status_code == 403, name


def test_a_lost_phone_is_reported_from_everywhere_and_the_machine_can_be_watched(browser: Client) -> None:
    only(portal_networks=[LAN])
    at(browser, OUTSIDE)
    assert [reverse(name) for name in networks.FROM_EVERYWHERE] == ["/healthz", "/metrics", "/lost"]
    assert browser.get("/lost").status_code == 200
    assert browser.post("/lost", {"code": "wrong"}).status_code == 422
    assert browser.get("/healthz").status_code in (200, 503)
    assert browser.get("/metrics").status_code == 404  # guards itself: loopback or token
    assert browser.get("/lost/").status_code == 403


def test_an_address_of_both_families_is_the_one_it_is(alice: User, home: Callable) -> None:
    only(portal_networks=[LAN])
    assert home(alice, f"::ffff:{HOME}").get("/account").status_code == 200
    assert home(alice, f"::ffff:{OUTSIDE}").get("/account").status_code == 403


# Officers


@pytest.fixture
def both(bob: User) -> User:
    """An officer who also asks for certificates."""
    User.objects.filter(pk=bob.pk).update(is_requester=True)
    bob.refresh_from_db()
    return bob


def test_outside_an_officer_keeps_what_every_person_has(both: User, home: Callable) -> None:
    only(officer_networks=[LAN])
    browser = home(both, OUTSIDE)
    for path in ("/", "/account", "/requests", "/certificates/", "/account/sessions", "/doors/"):
        assert browser.get(path, follow=True).status_code == 200, path
    for path in OFFICERS_PAGES:
        answer = browser.get(path, follow=True)
        assert answer.status_code == 403, path
        assert "You are outside of it now" in answer.content.decode()
    assert both.username in browser.get("/account").content.decode()


def test_inside_everything_is_as_ever(both: User, home: Callable) -> None:
    only(officer_networks=[LAN])
    browser = home(both)
    for path in OFFICERS_PAGES:
        assert browser.get(path, follow=True).status_code == 200, path


def test_no_page_offers_outside_what_does_not_open_there(both: User, home: Callable) -> None:
    only(officer_networks=[LAN])
    page = home(both, OUTSIDE).get("/").content.decode()
    for address in ("/queue", "/people", "/status"):
        assert f'href="{address}"' not in page
    assert "what officers, auditors and administrators do is not possible from here" in page


def test_what_an_officer_sees_of_others_is_shut_outside_too(both: User, alice: User, home: Callable) -> None:
    """Pages for everybody show officers more: that goes as well."""
    only(officer_networks=[LAN])
    trail.record("test.line")
    inside, outside = home(both), home(both, OUTSIDE)
    assert "Who pressed, and what became of it" in inside.get("/doors/history").content.decode()
    assert "Your presses" in outside.get("/doors/history").content.decode()
    assert alice.pk  # a page of hers
    assert outside.get(f"/people/{alice.pk}").status_code == 403
    assert outside.post(f"/people/{alice.pk}/reset").status_code == 403


def test_auditors_and_administrators_are_meant_too_and_djangos_admin(
    erin: User, dora: User, home: Callable
) -> None:
    only(officer_networks=[LAN])
    assert home(erin, OUTSIDE).get("/audit").status_code == 403
    administrator = home(dora, OUTSIDE)
    assert administrator.get("/household").status_code == 403
    assert administrator.get("/admin/").status_code in (302, 404)
    assert administrator.get("/admin/accounts/user/").status_code in (302, 404)
    assert at(administrator, HOME).get("/admin/accounts/user/").status_code == 200


def test_who_never_had_the_role_is_told_nothing(alice: User, home: Callable) -> None:
    only(officer_networks=[LAN])
    for path in OFFICERS_PAGES:
        assert home(alice, OUTSIDE).get(path, follow=True).status_code == 404, path


def test_what_is_taken_for_a_request_is_never_stored(both: User, home: Callable) -> None:
    only(officer_networks=[LAN])
    browser = home(both, OUTSIDE)
    browser.post("/account/profile", {"full_name": "Bob B.", "email": ""})
    browser.post("/account/password", {"old": "correct horse battery", "new": "entirely new words 7"})
    both.refresh_from_db()
    assert both.full_name == "Bob B."
    assert both.roles == {"officer", "requester"}
    both.withheld = frozenset({"officer"})
    with pytest.raises(RuntimeError):
        both.save()


# Setting them


def save(browser: Client, **values: str) -> str:
    page = browser.post("/household", {"name": "Ours", "time_zone": "UTC", **values}, follow=True)
    return page.content.decode()


def test_an_administrator_sets_networks_and_it_is_audited(dora: User, home: Callable) -> None:
    browser = home(dora)
    assert f"You come from <b>{HOME}</b> now." in browser.get("/household").content.decode()
    assert "Saved." in save(browser, portal_networks=f"{LAN}\n2001:db8:1::/48", officer_networks=LAN)
    found = household.current()
    assert (found.portal_networks, found.officer_networks) == ([LAN, "2001:db8:1::/48"], [LAN])
    line = AuditEvent.objects.get(action="household.changed")
    assert line.detail["officer_networks"] == {"before": [], "after": [LAN]}


@pytest.mark.parametrize("field", ["portal_networks", "officer_networks"])
def test_nobody_can_lock_themselves_out(dora: User, home: Callable, field: str) -> None:
    page = save(home(dora), **{field: "10.0.0.0/8"})
    assert f"You come from {HOME} now" in page
    assert "you would lock yourself out" in page
    assert "10.0.0.0/8" in page
    assert getattr(household.current(), field) == []


def test_where_no_address_is_seen_nothing_can_be_named(dora: User, home: Callable) -> None:
    assert "an address that cannot be seen" in save(home(dora, ""), portal_networks=LAN)


def test_a_form_that_leaves_the_fields_out_changes_nothing_there(dora: User, home: Callable) -> None:
    only(portal_networks=[LAN], idle_minutes=5, session_hours=4, fade_days=30)
    assert "Saved." in save(home(dora))
    found = household.current()
    assert (found.portal_networks, found.idle_minutes, found.session_hours, found.fade_days) == (
        [LAN],
        5,
        4,
        30,
    )


def test_an_empty_field_opens_everything_again(dora: User, home: Callable) -> None:
    only(portal_networks=[LAN], officer_networks=[LAN])
    assert "Saved." in save(home(dora), portal_networks="", officer_networks=" \n ")
    assert household.current().portal_networks == household.current().officer_networks == []


@pytest.mark.parametrize("value", ["0", "-1", "100000", "x", "7.5"])
def test_times_out_of_bounds_are_refused(dora: User, home: Callable, value: str) -> None:
    before = household.current()
    assert "This needs another look" in save(home(dora), idle_minutes=value)
    assert "This needs another look" in save(home(dora), session_hours=value)
    assert household.current().idle_minutes == before.idle_minutes


def test_behind_a_proxy_on_this_machine_the_page_says_that_it_is_no_use(dora: User, home: Callable) -> None:
    assert "keep nobody out" in home(dora, "127.0.0.1").get("/household").content.decode()
    elsewhere = home(dora).get("/household").content.decode()
    assert "keep nobody out" not in elsewhere
    assert "If that is the address of a proxy in front of the portal" in elsewhere


# The way back, on the machine itself


def told(*words: str) -> str:
    said = StringIO()
    call_command("networks", *words, stdout=said)
    return said.getvalue()


def test_the_terminal_says_what_is_set_and_opens_everything_again(browser: Client) -> None:
    only(portal_networks=[LAN], officer_networks=["10.0.0.0/8"])
    assert told() == f"The portal: {LAN}\nOfficers, auditors and administrators: 10.0.0.0/8\n"
    assert at(browser, OUTSIDE).get("/login").status_code == 403
    assert told("--clear").count("from everywhere") == 2
    assert at(browser, OUTSIDE).get("/login").status_code == 200
    line = AuditEvent.objects.get(action="household.changed")
    assert (line.actor, line.address) == ("", "")
    assert line.detail["portal_networks"] == {"before": [LAN], "after": []}
    told("--clear")
    assert AuditEvent.objects.filter(action="household.changed").count() == 1
