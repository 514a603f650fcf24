"""Django's admin shows people and the trail to administrators, without secrets, and changes nothing."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts import household, invitations, recovery, totp
from accounts.models import Invitation, InvitationGroup, Passkey, RecoveryDevice, TotpDevice, User
from audit import trail
from audit.models import AuditEvent
from audit.readonly import ReadOnlyAdmin

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in ("accounts", "audit")]


def test_everything_of_ours_is_registered_to_be_looked_at_only() -> None:
    assert {TotpDevice, User, AuditEvent} <= set(OURS)
    assert all(isinstance(admin.site._registry[model], ReadOnlyAdmin) for model in OURS)


@pytest.fixture
def secrets(alice: User, bob: User) -> list[str]:
    """What must not be seen; one row of each model comes with it."""
    household.current()
    totp.enrol(alice)
    recovery.renew(alice)
    invitations.make(bob, account=alice)
    InvitationGroup.objects.create(name="Spring 2027", made_by=bob, once=uuid4())
    Passkey.objects.create(user=alice, name="Phone", credential_id="AAAA", public_key=b"", host="testserver")
    trail.record("test.line")
    alice.refresh_from_db()
    digests = [code.digest for code in RecoveryDevice.objects.get().codes.all()]
    sealed = bytes(TotpDevice.objects.get(user=alice).sealed_secret).decode()
    return [alice.password, sealed, Invitation.objects.get().digest, *digests]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_an_administrator_sees_rows_but_no_secrets_and_no_way_to_change_them(
    browser: Client, dora: User, sign_in: Callable, secrets: list[str], model: type[Model]
) -> None:
    sign_in(browser, dora)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.order_by("pk").first()
    assert row is not None
    pages = [
        browser.get(reverse(f"{name}_changelist")),
        browser.get(reverse(f"{name}_change", args=[row.pk])),
    ]
    for page in pages:
        assert page.status_code == 200
        assert not [secret for secret in secrets if secret in page.content.decode()]
    for verb, args in (("add", []), ("change", [row.pk]), ("delete", [row.pk])):
        assert browser.post(reverse(f"{name}_{verb}", args=args), {"x": "1"}).status_code == 403


@pytest.mark.parametrize(
    ("page", "lookup"),
    [
        ("user", "password__startswith=md5"),
        ("totpdevice", "sealed_secret__startswith=gA"),
        ("invitation", "digest__startswith=0"),
    ],
)
def test_a_secret_cannot_be_guessed_letter_by_letter(
    browser: Client, dora: User, sign_in: Callable, page: str, lookup: str
) -> None:
    sign_in(browser, dora)
    assert browser.get(f"/admin/accounts/{page}/?{lookup}").status_code == 400


def test_a_search_for_thousands_of_words_is_answered(browser: Client, dora: User, sign_in: Callable) -> None:
    sign_in(browser, dora)
    assert browser.get("/admin/accounts/user/", {"q": "a " * 3000}).status_code == 200


@pytest.mark.parametrize("who", ["alice", "bob", "erin"])
def test_nobody_else_sees_it(
    browser: Client, who: str, sign_in: Callable, request: pytest.FixtureRequest
) -> None:
    sign_in(browser, request.getfixturevalue(who))
    for path in ("/admin/", "/admin/login/", "/admin/accounts/user/"):
        assert browser.get(path).status_code in (302, 404)
        assert "Django" not in browser.get(path, follow=True).content.decode()
