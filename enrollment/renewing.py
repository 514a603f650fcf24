"""The same certificate again with a new key, for whoever holds the old one: nobody has to decide.

Owner, names and uses come from the old certificate; the signer checks that, and the proof, against its own
journal (pki/signer/renewals.py).
"""

from datetime import timedelta
from uuid import UUID

from cryptography import x509
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from enrollment import history
from enrollment.issuing import issue
from enrollment.models import CertificationRequest, Kind, Status
from enrollment.refusals import Refused
from enrollment.transitions import record
from pki.csr import ParsedCSR
from pki.models import Certificate
from pki.profiles import PROFILES

ASK = "Ask for a new certificate, which a person approves."
Proof = dict[str, str]  # the fields of RenewalEvidence beside the predecessor


def renew(*, predecessor: Certificate, csr: ParsedCSR, proof: Proof, address: str) -> CertificationRequest:
    """A successor for a live certificate: made APPROVED, as the old key asks, and issued at once.

    The same key again gets the same successor. Still APPROVED when the signer is down, REJECTED when it
    refuses. Raises Refused.
    """
    known = _successor(predecessor, csr)
    if known is not None:
        return issue(request=known)
    owner = _owner(predecessor)
    _refuse_dead(predecessor)
    if csr.key_sha256 != predecessor.key_sha256:
        history.refuse_used_key(csr.key_sha256, owner)
    request = _request(predecessor, owner, csr, proof, address)
    try:
        with transaction.atomic():
            request.save(force_insert=True)
            detail = {"renews": predecessor.serial, "proof": proof["proof"], "key": csr.key_sha256}
            record("renewal", request, owner, address, detail)
    except IntegrityError as error:  # twice at the same moment
        known = _successor(predecessor, csr)
        if known is None:
            raise Refused("This key is asked for already.", ASK) from error
        request = known
    return issue(request=request)


def _successor(predecessor: Certificate, csr: ParsedCSR) -> CertificationRequest | None:
    """The one there is, when it has this key. Raises Refused when it has another one."""
    found = (
        CertificationRequest.objects.filter(
            predecessor=predecessor, status__in=[Status.APPROVED, Status.ISSUED]
        )
        .select_related("owner", "certificate", "predecessor")
        .first()
    )
    if found is not None and found.key_sha256 != csr.key_sha256:
        raise Refused("This certificate was renewed already, and has one successor only.", ASK)
    return found


def _owner(predecessor: Certificate) -> User:
    try:
        owner = User.objects.filter(pk=UUID(predecessor.owner), is_active=True).first()
    except ValueError:  # a service's
        owner = None
    if owner is None:
        raise Refused("The account of this certificate's owner is closed.")
    return owner


def _refuse_dead(predecessor: Certificate) -> None:
    if predecessor.revoked_at is not None:
        raise Refused("This certificate was revoked, or is on hold.", ASK)
    if not predecessor.not_before <= timezone.now() <= predecessor.not_after:
        raise Refused("This certificate has expired.", ASK)
    if predecessor.profile not in PROFILES:
        raise Refused("Such certificates are not renewed like this.", ASK)


def _request(
    predecessor: Certificate, owner: User, csr: ParsedCSR, proof: Proof, address: str
) -> CertificationRequest:
    profile = PROFILES[predecessor.profile]
    subject = x509.load_der_x509_certificate(bytes(predecessor.der)).subject
    before = CertificationRequest.objects.filter(certificate=predecessor).only("device").first()
    lifetime = predecessor.not_after - predecessor.not_before + timedelta(seconds=1)
    return CertificationRequest(
        kind=Kind.RENEWAL,
        owner=owner,
        address=address,
        status=Status.APPROVED,
        profile=profile.name,
        device=before.device if before else predecessor.subject,
        csr=csr.der,
        csr_sha256=csr.sha256,
        key_sha256=csr.key_sha256,
        organization=str(subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value),
        common_name=predecessor.subject,
        sans=list(predecessor.sans),
        days=max(1, min(profile.default_days, lifetime.days)),  # no longer than the one before
        decided_at=timezone.now(),
        profile_digest=profile.digest,
        predecessor=predecessor,
        proof=proof,
    )
