"""Who the holder of a live certificate is."""

import dataclasses
import uuid

import pytest
from django.utils import timezone

from accounts.models import User
from door import identity
from pki import verification
from pki.errors import CertificateRejected
from pki.verification import LiveCertificate


def live(owner: str) -> LiveCertificate:
    return LiveCertificate(uuid.uuid4(), owner, "phone", "ab" * 32, "1234", timezone.now(), timezone.now())


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, alice: User) -> LiveCertificate:
    """What pki says of whatever is shown: a live certificate of alice."""
    found = live(str(alice.pk))
    monkeypatch.setattr(verification, "verify", lambda der: found)
    return found


def test_the_holder_is_the_account_as_the_database_has_it(shown: LiveCertificate, alice: User) -> None:
    holder = identity.holder_of(b"der")
    assert holder.certificate is shown
    assert holder.user == alice and type(holder.user) is User
    wanted = User.objects.get(pk=alice.pk)
    columns = [field.attname for field in User._meta.concrete_fields]
    assert [getattr(holder.user, name) for name in columns] == [getattr(wanted, name) for name in columns]


def test_a_change_shows_at_once_and_people_are_no_shared_objects(shown: LiveCertificate, alice: User) -> None:
    first = identity.holder_of(b"der").user
    first.full_name = "changed here only"
    assert identity.holder_of(b"der").user.full_name == alice.full_name
    User.objects.filter(pk=alice.pk).update(full_name="Alice Amsel")
    assert identity.holder_of(b"der").user.full_name == "Alice Amsel"


def test_who_is_switched_off_or_gone_or_no_person_is_refused(
    monkeypatch: pytest.MonkeyPatch, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    for owner in (str(alice.pk), str(uuid.uuid4()), "service:portal", ""):
        monkeypatch.setattr(verification, "verify", lambda der, owner=owner: live(owner))
        with pytest.raises(CertificateRejected) as rejected:
            identity.holder_of(b"der")
        assert rejected.value.code == "account"


def test_a_holder_cannot_be_changed(shown: LiveCertificate) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        identity.holder_of(b"der").user = None  # type: ignore[misc]
