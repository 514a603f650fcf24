"""Between the approval and the certificate: the signer's refusals, absences and repetitions."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts import household
from accounts.models import User
from audit.models import AuditEvent
from enrollment import issuing, ra
from enrollment.models import CertificationRequest, Status
from pki import csr, issuance
from pki.models import Certificate
from pki.signer import client
from tests.conftest import make_csr
from tests.enrollment.acts import HERE, ask

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture
def approved(
    signer: Path, settings: Settings, tmp_path: Path, alice: User, bob: User
) -> CertificationRequest:
    """Approved while the signer was away; it is back now."""
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    request = ra.approve(request=ask(alice), by=bob, address=HERE)
    settings.SIGNER_SOCKET = signer
    return request


def test_an_approved_request_waits_for_the_signer_and_is_issued_when_it_is_back(
    approved: CertificationRequest,
) -> None:
    assert approved.status == Status.APPROVED and "approval stands" in approved.trouble
    assert ra.issue_waiting() == 1
    approved.refresh_from_db()
    assert (approved.status, approved.trouble) == (Status.ISSUED, "")
    assert approved.certificate is not None
    assert AuditEvent.objects.get(action="request.issued").detail["serial"] == approved.certificate.serial
    assert ra.issue_waiting() == 0


def test_housekeeping_stops_at_once_while_the_signer_is_away(
    approved: CertificationRequest, settings: Settings, tmp_path: Path
) -> None:
    settings.SIGNER_SOCKET = tmp_path / "nobody.sock"
    assert ra.issue_waiting() == 0
    approved.refresh_from_db()
    assert approved.status == Status.APPROVED


def test_a_csr_swapped_after_the_approval_is_refused_at_signing(approved: CertificationRequest) -> None:
    other = csr.parse(make_csr("mallory"))
    CertificationRequest.objects.filter(pk=approved.pk).update(csr=other.der, key_sha256=other.key_sha256)
    assert ra.issue_waiting() == 0
    approved.refresh_from_db()
    assert approved.status == Status.REJECTED and "The CA refused to sign" in approved.reason
    assert AuditEvent.objects.get(action="request.rejected").actor == ""
    assert not Certificate.objects.exists()


@pytest.mark.parametrize(
    "change", [{"profile_digest": "0" * 64}, {"days": 4000}, {"common_name": "a\u202eb"}]
)
def test_what_was_changed_behind_the_approval_is_refused_at_signing(
    approved: CertificationRequest, change: dict[str, object]
) -> None:
    CertificationRequest.objects.filter(pk=approved.pk).update(**change)
    ra.issue_waiting()
    approved.refresh_from_db()
    assert approved.status == Status.REJECTED and not Certificate.objects.exists()


def test_a_crash_between_signing_and_noting_loses_and_doubles_nothing(
    signer: Path, approved: CertificationRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: object) -> None:
        raise KeyboardInterrupt

    before = client.status(signer).issued
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("enrollment.issuing.issued", crash)
        ra.issue(request=approved)
    assert client.status(signer).issued == before + 1
    assert not Certificate.objects.exists()  # certificate and note are there together, or neither
    assert ra.issue_waiting() == 1
    approved.refresh_from_db()
    assert approved.status == Status.ISSUED and Certificate.objects.get() == approved.certificate
    assert client.status(signer).issued == before + 1


def test_a_new_name_of_the_household_does_not_change_what_was_approved(
    approved: CertificationRequest,
) -> None:
    before = household.current().name
    house = household.current()
    house.name = "Somebody else's"
    house.save()
    ra.issue_waiting()
    approved.refresh_from_db()
    assert approved.organization == before and approved.status == Status.ISSUED


def test_repeating_the_issue_of_an_issued_request_changes_nothing(approved: CertificationRequest) -> None:
    first = ra.issue(request=approved).certificate
    assert ra.issue(request=approved).certificate == first
    assert issuance.issue(issuing.order(approved)) == first


def test_a_server_name_outside_the_constraints_is_refused_with_what_to_do(signer: Path, alice: User) -> None:
    with pytest.raises(ra.Refused, match="bank.example") as caught:
        ask(alice, "nas", "tls-server", sans=("bank.example",))
    assert "home.arpa" in caught.value.remedy


def test_a_key_revoked_for_compromise_is_not_certified_again(signer: Path, alice: User, bob: User) -> None:
    pem = make_csr()
    request = ra.approve(request=ask(alice, pem=pem), by=bob, address=HERE)
    ra.revoke(request=request, by=alice, address=HERE, reason="keyCompromise")
    with pytest.raises(ra.Refused, match="nobody can use it again"):
        ask(alice, pem=pem)
