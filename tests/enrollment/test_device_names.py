"""A device's common name is who it is at the MQTT broker: nobody gets the door's, or somebody else's."""

import uuid
from pathlib import Path

import pytest
from django.urls import reverse

from accounts.models import User
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from enrollment.refusals import Refused
from pki import revocation
from tests.conftest import Browser, make_csr, open_session
from tests.enrollment.acts import HERE, ask, form

pytestmark = pytest.mark.django_db(transaction=True)

DEVICES = ("mqtt-client", "mqtt-broker")


@pytest.fixture
def lamp() -> str:
    """A name that no other test's certificate has: the signer remembers them all."""
    return f"lamp-{uuid.uuid4().hex[:12]}"


def issued(by: User, officer: User, name: str, profile: str = "mqtt-client") -> CertificationRequest:
    sans: tuple[str, ...] = ("broker.home.arpa",) if profile == "mqtt-broker" else ()
    request = ra.approve(request=ask(by, name, profile, sans=sans), by=officer, address=HERE)
    assert request.status == Status.ISSUED, request.reason
    return request


@pytest.mark.parametrize("name", ["latchkey-door", "Latchkey Door", "LATCHKEY DÖÖR"])
def test_the_doors_name_is_not_to_be_had(alice: User, name: str) -> None:
    with pytest.raises(Refused, match="is the door's own at the MQTT broker"):
        ask(alice, name, "mqtt-client")


@pytest.mark.parametrize("typed", ["latchkey-door", "Latchkey-Door"])
def test_an_officer_cannot_give_it_away_either(alice: User, bob: User, lamp: str, typed: str) -> None:
    request = ask(alice, lamp, "mqtt-client")
    with pytest.raises(Refused, match="is the door's own"):
        ra.approve(request=request, by=bob, address=HERE, common_name=typed)
    request.refresh_from_db()
    assert request.status == Status.PENDING


def test_a_phone_may_be_called_so(alice: User) -> None:
    assert ask(alice, "latchkey-door").common_name == "alice's latchkey-door"


@pytest.mark.parametrize("profile", DEVICES)
def test_another_persons_device_cannot_have_the_same_name(
    signer: Path, alice: User, charlie: User, bob: User, lamp: str, profile: str
) -> None:
    issued(alice, bob, lamp, profile)
    with pytest.raises(Refused, match=f"Somebody else's device is called “{lamp}” already"):
        ask(charlie, lamp, "mqtt-client")


def test_of_two_that_wait_the_second_is_refused_when_it_is_decided(
    signer: Path, alice: User, charlie: User, bob: User, lamp: str
) -> None:
    first, second = ask(alice, lamp, "mqtt-client"), ask(charlie, lamp, "mqtt-client")
    assert ra.approve(request=first, by=bob, address=HERE).status == Status.ISSUED
    with pytest.raises(Refused, match="would be taken for the same one"):
        ra.approve(request=second, by=bob, address=HERE)
    renamed = ra.approve(request=second, by=bob, address=HERE, common_name=f"{lamp}-2")
    assert renamed.status == Status.ISSUED


def test_ones_own_device_is_renewed_under_its_name(signer: Path, alice: User, bob: User, lamp: str) -> None:
    assert issued(alice, bob, lamp).certificate != issued(alice, bob, lamp).certificate


def test_the_name_is_free_when_the_certificate_was_revoked_for_good(
    signer: Path, alice: User, charlie: User, bob: User, lamp: str
) -> None:
    certificate = issued(alice, bob, lamp).certificate
    revocation.revoke(certificate, revocation.HOLD, by="bob", address=HERE)
    with pytest.raises(Refused, match="already"):
        ask(charlie, lamp, "mqtt-client")
    revocation.revoke(certificate, "superseded", by="bob", address=HERE)
    assert issued(charlie, bob, lamp).status == Status.ISSUED


def test_the_page_says_so_beside_the_name_and_keeps_what_was_typed(alice: User, browser: Browser) -> None:
    pem = make_csr()
    answer = open_session(browser, alice).post(
        reverse("enrollment:submit"), form(pem, profile="mqtt-client", device="latchkey-door")
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "own at the MQTT broker" in page
    assert "latchkey-door" in page
