"""The setup link and invitations: two steps, nothing half-done, every link once."""

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import invitations, setup
from accounts.models import Household, Invitation, RecoveryCode, TotpDevice, User
from audit.models import AuditEvent
from tests.accounts.test_totp import in_parallel
from tests.accounts.walk import GOOD, code_of, join, shown_secret
from tests.conftest import Browser

pytestmark = pytest.mark.django_db

REQUESTER = frozenset({"requester"})
HOUSE = {"household": "The Zanders", "time_zone": "Europe/Vienna"}


@pytest.fixture
def link_file() -> Iterator[Path]:
    path = Path(settings.WEB_DIR) / "setup-link"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def setup_url(db: None, link_file: Path) -> str:
    return f"/setup/{setup.ensure_token()}"


@pytest.fixture
def invite_url(bob: User) -> str:
    return f"/invite/{invitations.make(bob, roles=REQUESTER, full_name='Zoe Z.')}"


def test_the_setup_link_stays_the_same_and_is_its_owners_only(link_file: Path, db: None) -> None:
    token = setup.ensure_token()
    assert token == setup.ensure_token() == link_file.read_text()
    assert stat.S_IMODE(link_file.stat().st_mode) == 0o600


def test_the_browser_offers_its_time_zone_until_somebody_chose_one(setup_url: str, browser: Client) -> None:
    assert b"accounts/zone" in browser.get(setup_url).content
    assert b"accounts/zone" not in browser.post(setup_url, {**GOOD, **HOUSE, "password": "short"}).content


def test_a_household_without_a_name_is_called_so_in_the_readers_language(
    setup_url: str, browser: Client
) -> None:
    page = browser.get(setup_url, headers={"Accept-Language": "de"}).content.decode()
    assert "<span>Unser Haushalt</span>" in page


def test_there_is_no_setup_link_once_an_account_exists(link_file: Path, alice: User, browser: Client) -> None:
    link_file.write_text("token")
    assert browser.get("/setup/token").status_code == 410
    assert setup.ensure_token() is None
    assert not link_file.exists()


@pytest.mark.django_db(transaction=True)
def test_the_setup_link_makes_one_first_account(setup_url: str, browser: Client, link_file: Path) -> None:
    answer = join(browser, setup_url, **HOUSE)
    assert answer["Location"] == "/account/recovery"
    zoe = User.objects.get()
    assert zoe.roles == {"administrator", "officer", "requester"}
    household = Household.objects.get()
    assert (household.name, household.time_zone, household.one_person) == (
        "The Zanders",
        "Europe/Vienna",
        False,
    )
    assert AuditEvent.objects.get(action="setup.done").actor == "zoe"
    assert not link_file.exists()
    again = browser.get(setup_url)
    assert again.status_code == 410
    assert "To your first page" in again.content.decode()
    assert Browser().get(setup_url).status_code == 410
    assert Browser().post(setup_url, {**GOOD, **HOUSE, "username": "second"}).status_code == 410


@pytest.mark.parametrize("token", ["x", "%00", "é", "a" * 5000])
def test_a_wrong_setup_token_opens_nothing(setup_url: str, browser: Client, token: str) -> None:
    assert browser.get(f"/setup/{token}").status_code == 410
    assert browser.post(f"/setup/{token}/app", {"code": "123456"}).status_code == 410


@pytest.mark.django_db(transaction=True)
def test_of_four_who_set_up_at_once_one_becomes_administrator(setup_url: str, link_file: Path) -> None:
    ready = []
    for n in range(4):
        browser = Browser()
        browser.post(setup_url, {**GOOD, **HOUSE, "username": f"zoe{n}"})
        ready.append((browser, code_of(shown_secret(browser, f"{setup_url}/app"))))

    def confirm() -> object:
        browser, code = ready.pop()
        return browser.post(f"{setup_url}/app", {"code": code})["Location"]

    results = in_parallel(4, confirm)
    assert results.count("/account/recovery") == 1
    assert User.objects.count() == 1


def test_an_invited_person_gets_account_app_and_ten_codes_and_is_signed_in(
    browser: Client, invite_url: str, bob: User
) -> None:
    assert "Zoe Z." in browser.get(invite_url).content.decode()
    assert join(browser, invite_url)["Location"] == "/account/recovery"
    zoe = User.objects.get(username="zoe")
    assert (zoe.full_name, zoe.roles, zoe.invited_by) == ("Zoe Zander", REQUESTER, bob)
    app = TotpDevice.objects.get(user=zoe)
    assert app.confirmed
    assert app.last_used_at is not None  # the code that confirmed it
    page = browser.get("/account/recovery").content.decode()
    assert page.count("<li>") >= 10
    assert RecoveryCode.objects.filter(device__user=zoe).count() == 10
    assert browser.get("/account").status_code == 200
    assert AuditEvent.objects.get(action="person.joined").detail["link of"] == "bob"


def test_the_codes_are_shown_until_they_are_kept_and_never_again(browser: Client, invite_url: str) -> None:
    join(browser, invite_url)
    first, again = (browser.get("/account/recovery").content.decode() for _ in range(2))
    assert "I have kept them" in first
    assert "I have kept them" in again
    assert browser.post("/account/recovery", {"kept": "yes"})["Location"] == "/"
    assert "I have kept them" not in browser.get("/account/recovery").content.decode()


def test_the_code_that_confirmed_the_app_is_spent(browser: Client, invite_url: str) -> None:
    join(browser, invite_url)
    device = TotpDevice.objects.get()
    answer = Browser().post(
        "/login", {"username": "zoe", "password": GOOD["password"], "code": code_of(device.secret)}
    )
    assert answer.status_code == 400


def test_an_invitation_works_once(browser: Client, invite_url: str) -> None:
    join(browser, invite_url)
    other = Browser()
    assert other.get(invite_url).status_code == 410
    assert other.post(invite_url, {**GOOD, "username": "yan"}).status_code == 410
    assert not User.objects.filter(username="yan").exists()


@pytest.mark.django_db(transaction=True)
def test_of_four_who_use_one_invitation_at_once_one_gets_in(invite_url: str) -> None:
    ready = []
    for n in range(4):
        browser = Browser()
        browser.post(invite_url, {**GOOD, "username": f"zoe{n}"})
        ready.append((browser, code_of(shown_secret(browser, f"{invite_url}/app"))))

    def confirm() -> object:
        browser, code = ready.pop()
        return browser.post(f"{invite_url}/app", {"code": code})["Location"]

    assert in_parallel(4, confirm).count("/account/recovery") == 1
    assert User.objects.filter(username__startswith="zoe").count() == 1


def test_nothing_exists_before_the_app_is_confirmed(browser: Client, invite_url: str) -> None:
    browser.post(invite_url, GOOD)
    answer = browser.post(f"{invite_url}/app", {"code": "000000"})
    assert answer.status_code == 400
    assert "The app shows another code" in answer.content.decode()
    assert not User.objects.filter(username="zoe").exists()
    assert Invitation.objects.get().used_at is None


def test_the_secret_stays_the_same_while_the_code_is_mistyped(browser: Client, invite_url: str) -> None:
    browser.post(invite_url, GOOD)
    secret = shown_secret(browser, f"{invite_url}/app")
    for _ in range(3):
        browser.post(f"{invite_url}/app", {"code": "000000"})
    browser.post(invite_url, {**GOOD, "full_name": "Zoe, corrected"})
    assert shown_secret(browser, f"{invite_url}/app") == secret
    assert browser.post(f"{invite_url}/app", {"code": code_of(secret)}).status_code == 302


def test_a_link_left_in_the_middle_can_be_continued_elsewhere(browser: Client, invite_url: str) -> None:
    browser.post(invite_url, GOOD)
    phone = Browser()
    assert phone.get(f"{invite_url}/app")["Location"] == invite_url
    assert join(phone, invite_url).status_code == 302
    assert browser.get(f"{invite_url}/app").status_code == 410


def test_what_waits_in_the_session_is_sealed(browser: Client, invite_url: str) -> None:
    browser.post(invite_url, GOOD)
    secret = shown_secret(browser, f"{invite_url}/app")
    stored = str(dict(browser.session.items()))
    assert secret.hex() not in stored
    assert "zoe" not in stored


def test_a_lapsed_link_says_so(browser: Client, invite_url: str) -> None:
    browser.post(invite_url, GOOD)
    code = code_of(shown_secret(browser, f"{invite_url}/app"))
    Invitation.objects.update(lapses_at=timezone.now() - timedelta(seconds=1))
    for answer in (browser.get(invite_url), browser.post(f"{invite_url}/app", {"code": code})):
        assert answer.status_code == 410
        assert "lapsed" in answer.content.decode()


def test_a_withdrawn_link_opens_nothing(browser: Client, invite_url: str, bob: User) -> None:
    invitations.withdraw(Invitation.objects.get(), by=bob)
    assert browser.get(invite_url).status_code == 410


def test_a_link_outlives_neither_its_makers_role_nor_account(
    browser: Client, invite_url: str, bob: User
) -> None:
    for change in ({"is_officer": False}, {"is_active": False}):
        User.objects.filter(pk=bob.pk).update(**{"is_officer": True, "is_active": True} | change)
        assert join(browser, invite_url)["Location"] == invite_url
        assert not User.objects.filter(username="zoe").exists()


def test_the_token_itself_is_not_stored(bob: User) -> None:
    token = invitations.make(bob, roles=REQUESTER)
    assert token not in str(Invitation.objects.values().get())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("username", "bob", "called bob already"),
        ("username", "Zoe Zander", "small letters"),
        ("username", "zoë", "small letters"),
        ("username", ".zoe", "small letters"),
        ("username", "z" * 65, "small letters"),
        ("username", "", "required"),
        ("full_name", "Zoe\u202eevil", "invisible character"),
        ("full_name", "Zoe\u0000", "Null characters"),
        ("full_name", "z" * 65, "at most 64 bytes"),
        ("full_name", "p\u0430ypal", "look alike"),
        ("full_name", "...", "no letter or digit"),
        ("full_name", "   ", "required"),
        ("password", "short", "Add two or three words"),
        ("password", "password1234", "everybody tries first"),
        ("password", "zoe-zander", "built on your name"),
        ("password", "x" * 300, "at most 256"),
    ],
)
def test_bad_details_are_named_and_what_was_typed_is_kept(
    browser: Client, invite_url: str, field: str, value: str, words: str
) -> None:
    answer = browser.post(invite_url, {**GOOD, "full_name": "Zoe Zander", field: value})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    kept = "Zoe Zander" if field != "full_name" else 'value="zoe"'
    assert kept in page
    assert GOOD["password"] not in page


def test_a_name_taken_in_the_meantime_leads_back_and_the_link_still_works(
    browser: Client, invite_url: str
) -> None:
    browser.post(invite_url, GOOD)
    code = code_of(shown_secret(browser, f"{invite_url}/app"))
    User.objects.create_user("zoe")
    assert browser.post(f"{invite_url}/app", {"code": code})["Location"] == invite_url
    assert "called zoe already" in browser.get(invite_url).content.decode()
    assert join(browser, invite_url, username="zoe2").status_code == 302
