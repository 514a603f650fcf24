"""What one signs in with: several, by their names; the fresh factor by a passkey; and no name, no passkey."""

import pytest
from django.http import HttpResponse

from accounts import challenges, factors, passkeys, totp
from accounts.models import Passkey, TotpDevice, User
from audit.models import AuditEvent
from tests.accounts.authenticator import HOST, Authenticator
from tests.accounts.ceremonies import PASSWORD, Named, added, question
from tests.conftest import Browser, open_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Named:
    return Named()


@pytest.fixture
def key() -> Authenticator:
    return Authenticator()


# On a bare IP address


class Numbered(Browser):
    def request(self, **request: object) -> HttpResponse:
        return super().request(**{**request, "HTTP_HOST": "192.168.7.7:8443"})


def test_an_address_of_digits_says_why_not_and_where_to_go(alice: User) -> None:
    browser = Numbered()
    assert "passkey" not in browser.get("/login").content.decode()
    assert browser.post("/login/passkey").status_code == 400
    open_session(browser, alice)
    page = browser.get("/account/passkey").content.decode()
    assert "bound to a name" in page
    assert 'href="https://portal.home.arpa:8443/account/passkey"' in page


# The fresh factor


def test_a_passkey_is_fresh_for_five_minutes_and_keeps_what_was_typed(
    browser: Named, alice: User, key: Authenticator
) -> None:
    added(browser, alice, key)
    open_session(browser, alice, fresh=False)
    assert "Use your passkey" in browser.get("/account/password").content.decode()
    answer = key.get(question(browser, "/account/passkey/fresh"))
    given = {"old": PASSWORD, "new": "short", "passkey": answer}
    page = browser.post("/account/password", given)
    assert (page.status_code, "still counts" in page.content.decode()) == (400, True)
    done = browser.post("/account/password", {"old": PASSWORD, "new": "entirely new words, all four"})
    assert done.status_code == 302


def test_a_refused_passkey_is_said_at_the_code_and_slowed_down(
    browser: Named, alice: User, charlie: User, key: Authenticator
) -> None:
    other = Authenticator()
    added(browser, alice, key)
    added(Named(), charlie, other)
    open_session(browser, alice, fresh=False)
    for _ in range(4):
        answer = other.get(question(browser, "/account/passkey/fresh"))
        page = browser.post("/account/recovery", {"passkey": answer})
        assert "is not known here" in page.content.decode()
    page = browser.post(
        "/account/recovery", {"passkey": key.get(question(browser, "/account/passkey/fresh"))}
    )
    assert "Too many attempts" in page.content.decode()
    assert AuditEvent.objects.filter(action="passkey.refused").count() == 4


def test_who_has_no_passkey_sees_no_button(browser: Named, alice: User) -> None:
    open_session(browser, alice, fresh=False)
    assert "Use your passkey" not in browser.get("/account/password").content.decode()


# Several, by their names


def test_apps_and_passkeys_are_listed_with_their_last_use(
    browser: Named, alice: User, key: Authenticator
) -> None:
    added(browser, alice, key)
    assert [(one.kind, one.name) for one in factors.of(alice)] == [("passkey", "Phone"), ("app", "App")]


def test_officers_are_urged_to_have_one(browser: Named, bob: User, alice: User, key: Authenticator) -> None:
    assert (factors.urged(bob), factors.urged(alice)) == (True, False)
    open_session(browser, bob)
    assert "You decide for others here" in browser.get("/account").content.decode()
    added(browser, bob, key)
    assert not factors.urged(bob)


def test_adding_one_needs_a_fresh_factor_and_ends_the_other_sessions(
    browser: Named, alice: User, key: Authenticator
) -> None:
    other = open_session(Named(), alice)
    open_session(browser, alice, fresh=False)
    assert browser.post("/account/passkey", {"name": "Phone"}).status_code == 400
    assert browser.post("/account/passkey/invitation").status_code == 400
    added(browser, alice, key)
    assert other.get("/account").status_code == 302
    assert AuditEvent.objects.get(action="passkey.added").detail == {"name": "Phone", "host": HOST}


def test_removing_one_needs_a_fresh_factor_and_ends_the_other_sessions(
    browser: Named, alice: User, key: Authenticator
) -> None:
    passkey = added(browser, alice, key)
    other = open_session(Named(), alice)
    where = f"/account/factors/passkey/{passkey.pk}"
    open_session(browser, alice, fresh=False)
    assert browser.post(where).status_code == 400
    open_session(browser, alice)
    assert browser.post(where)["Location"] == "/account"
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert not Passkey.objects.exists()
    assert AuditEvent.objects.get(action="passkey.removed").detail == {"name": "Phone"}


def test_a_session_outlives_the_factor_it_began_with(browser: Named, alice: User, key: Authenticator) -> None:
    passkey = added(browser, alice, key)
    browser.post("/login", {"passkey": key.get(question(browser))})
    assert browser.post(f"/account/factors/passkey/{passkey.pk}")["Location"] == "/account"
    assert browser.get("/account").status_code == 200


def test_the_last_one_cannot_be_removed(browser: Named, alice: User, key: Authenticator) -> None:
    passkey = added(browser, alice, key)
    app = TotpDevice.objects.get(user=alice)
    open_session(browser, alice)
    assert browser.post(f"/account/factors/app/{app.pk}")["Location"] == "/account"
    where = f"/account/factors/passkey/{passkey.pk}"
    assert "It is the last one" in browser.get(where).content.decode()
    assert browser.post(where)["Location"] == where
    assert Passkey.objects.get() == passkey


def test_one_is_renamed(browser: Named, alice: User, key: Authenticator) -> None:
    passkey = added(browser, alice, key)
    where = f"/account/factors/passkey/{passkey.pk}/name"
    open_session(browser, alice)
    assert browser.post(where, {"name": ""}).status_code == 400
    assert browser.post(where, {"name": "Old phone"}).status_code == 302
    assert AuditEvent.objects.get(action="factor.renamed").detail == {"before": "Phone", "after": "Old phone"}


@pytest.mark.parametrize("kind", ["passkey", "app", "recovery", "nothing"])
def test_nobody_sees_somebody_elses(browser: Named, alice: User, charlie: User, kind: str) -> None:
    pk = added(browser, alice, Authenticator()).pk if kind == "passkey" else totp.enrol(alice).pk
    open_session(browser, charlie)
    pk = pk if factors.find(charlie, kind, pk) is None else pk + 1
    assert browser.get(f"/account/factors/{kind}/{pk}").status_code == 404
    assert browser.post(f"/account/factors/{kind}/{pk}").status_code == 404


def test_a_new_beginning_takes_passkeys_along(alice: User, browser: Named, key: Authenticator) -> None:
    added(browser, alice, key)
    factors.forget_all(alice)
    assert factors.of(alice) == []


def test_the_handle_says_nothing_of_the_person(alice: User) -> None:
    assert passkeys.handle(alice) == challenges.encoded(alice.pk.bytes)
