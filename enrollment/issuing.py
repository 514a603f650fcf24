"""From an approval to its certificate: what the signer is asked for, and what comes of it."""

from collections.abc import Callable
from datetime import UTC
from typing import TypedDict

from django.db import transaction
from django.db.models import Q

from enrollment import notifications
from enrollment.models import CertificationRequest, Kind, Status
from enrollment.refusals import Refused
from enrollment.transitions import move, record
from pki import issuance
from pki.errors import IssuanceRefused, SignerUnavailable
from pki.models import Certificate
from pki.signer.entries import ENDS_ALL
from pki.signer.protocol import (
    CsrEvidence,
    DeviceEvidence,
    Evidence,
    IssuanceRequest,
    RenewalEvidence,
)

AT_A_TIME = 200  # requests one housekeeping round takes on
MAX_REASON = 1000  # characters
NO_SIGNER = "The CA does not answer at present. The approval stands; it is issued as soon as the CA is back."
WITHOUT_KEY = Q(key_sha256="")  # approved devices that did not ask yet


def issue(*, request: CertificationRequest) -> CertificationRequest:
    """APPROVED -> ISSUED through the signer. May be repeated; the same certificate comes out.

    A device that is approved and has no key yet stays as it is.
    """
    if request.status != Status.APPROVED or not request.key_sha256:
        return request
    try:
        issuance.issue(order(request), also=lambda certificate: issued(request, certificate))
    except SignerUnavailable:
        CertificationRequest.objects.filter(pk=request.pk, status=Status.APPROVED).update(trouble=NO_SIGNER)
        request.refresh_from_db()
    except IssuanceRefused as error:
        _refused(request, error)
    except Refused:  # noted by whoever asked at the same time: the certificate is the same
        request.refresh_from_db()
    return request


def issue_waiting() -> int:
    """Ask the signer again for what is approved, oldest first; how many it issued. Stops when it is down."""
    waiting = CertificationRequest.objects.filter(status=Status.APPROVED).exclude(WITHOUT_KEY)
    count = 0
    for request in waiting.order_by("created_at", "id")[:AT_A_TIME]:
        if issue(request=request).status == Status.APPROVED:
            break
        count += request.status == Status.ISSUED
    return count


def _refused(request: CertificationRequest, error: IssuanceRefused) -> None:
    reason = f"The CA refused to sign: {error} {error.remedy}".strip()[:MAX_REASON]
    try:
        with transaction.atomic():
            move(request, Status.APPROVED, Status.REJECTED, reason=reason, trouble="", proof={})
            notifications.refused(request, reason)
            record("rejected", request, None, "", {"reason": reason, "code": error.code})
    except Refused:  # somebody else asked at the same time and noted it already
        request.refresh_from_db()


def issued(request: CertificationRequest, certificate: Certificate) -> None:
    """In the transaction that stores the certificate. Raises Refused when it was noted already, or when what
    it renews was revoked meanwhile: the signer, asked again, then refuses it."""
    _refuse_after_end(request)
    move(request, Status.APPROVED, Status.ISSUED, certificate=certificate, trouble="", proof={})
    notifications.issued(request, certificate)
    detail = {"certificate": str(certificate.pk), "serial": certificate.serial}
    record("issued", request, None, "", {**detail, "authority": certificate.authority})


def _refuse_after_end(request: CertificationRequest) -> None:
    """Locked: who revokes the predecessor finds this one among its followers, or is seen here."""
    if request.kind != Kind.RENEWAL or request.predecessor is None:
        return
    before = Certificate.objects.select_for_update().get(pk=request.predecessor.pk)
    if before.reason in ENDS_ALL:
        raise Refused("What it renews was revoked.")


def order(request: CertificationRequest) -> IssuanceRequest:
    """What the signer is asked for: only pinned columns, so that a repetition says the same."""
    return IssuanceRequest(
        request_id=str(request.pk),
        profile=request.profile,
        profile_digest=request.profile_digest,
        organization=request.organization,
        common_name=request.common_name,
        sans=tuple(request.sans),
        days=request.days,
        owner=str(request.owner_id),
        csr=bytes(request.csr),
        evidence=_EVIDENCE[Kind(request.kind)](request),
    )


def _by_csr(request: CertificationRequest) -> CsrEvidence:
    return CsrEvidence(csr_sha256=request.csr_sha256, **_decision(request))


def _by_device(request: CertificationRequest) -> DeviceEvidence:
    if request.lapses_at is None:
        raise ValueError("The approval of a device ends some time.")
    return DeviceEvidence(
        challenge_sha256=request.challenge_sha256,
        expires=request.lapses_at.astimezone(UTC).isoformat(),
        profile=request.profile,
        organization=request.organization,
        common_name=request.common_name,
        days=request.days,
        **_decision(request),
    )


def _by_renewal(request: CertificationRequest) -> RenewalEvidence:
    if request.predecessor is None:
        raise ValueError("A renewal has a certificate that it renews.")
    return RenewalEvidence(predecessor=request.predecessor.serial, **request.proof)


_EVIDENCE: dict[Kind, Callable[[CertificationRequest], Evidence]] = {
    Kind.CSR: _by_csr,
    Kind.DEVICE: _by_device,
    Kind.RENEWAL: _by_renewal,
}


class _Decision(TypedDict):
    requester: str
    approver: str
    at: str
    one_person: bool


def _decision(request: CertificationRequest) -> _Decision:
    """Who asked, who approved, when: as the evidence of approvals has it."""
    if request.decided_by_id is None or request.decided_at is None:
        raise ValueError("An approved request has somebody who approved it.")
    return {
        "requester": str(request.owner_id),
        "approver": str(request.decided_by_id),
        "at": request.decided_at.astimezone(UTC).isoformat(),
        "one_person": request.one_person,
    }
