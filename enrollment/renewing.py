"""The same certificate again with a new key, for whoever holds the old one: nobody has to decide.

Owner, names and uses come from the old certificate; the signer checks that, and the proof, against its own
journal (pki/signer/renewals.py).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from enrollment import devices, history
from enrollment.issuing import WITHOUT_KEY, issue
from enrollment.models import CertificationRequest, Kind, Status
from enrollment.refusals import Refused
from enrollment.transitions import move, record
from pki.catalogue import ENDS_SOON
from pki.csr import ParsedCSR
from pki.models import Certificate
from pki.profiles import PROFILES

SHOWN = "mutual-tls"
SHOWN_PROFILE = "tls-client"  # the only one that the check face takes (pki/verification.py)
PROFILE_WITHIN = timedelta(hours=1)  # from the handshake to the phone's key; the signer allows a day
# WebKit deletes what a page keeps after seven days without a visit; a request whose key is gone helps nobody.
KEPT_FOR = timedelta(days=6)
SUCCEEDING = (Status.APPROVED, Status.ISSUED)  # a request that is, or will be, the one successor
Proof = dict[str, str]  # the fields of RenewalEvidence beside the predecessor


def ask() -> str:
    """The way out for whom nothing else is left."""
    return _("Ask for a new certificate in the portal, which a person approves.")


def shown() -> Proof:
    """That the predecessor was seen in a TLS handshake just now: our word, which counts for a day."""
    return {"proof": SHOWN, "signed": "", "content_key": "", "at": datetime.now(UTC).isoformat()}


def opens_at(certificate: Certificate) -> datetime:
    """From when it is renewed by showing it: the last third of its life, as the signer has it."""
    return certificate.not_before + (certificate.not_after - certificate.not_before) * 2 / 3


def successor_of(certificate: Certificate) -> CertificationRequest | None:
    """Its only one: issued, or approved and on its way."""
    found = CertificationRequest.objects.filter(predecessor=certificate, status__in=SUCCEEDING)
    return found.select_related("owner", "certificate", "predecessor").first()


def renewable(certificates: Iterable[Certificate | None]) -> set[UUID]:
    """Those (primary keys) that their holders could renew now by showing them, and have not begun to."""
    found = {certificate.pk for certificate in certificates if certificate and _is_ripe(certificate)}
    begun = CertificationRequest.objects.filter(predecessor__in=found, status__in=SUCCEEDING)
    return found - set(begun.values_list("predecessor_id", flat=True)) if found else found


def ending_of(user: User) -> list[Certificate]:
    """The person's own that end soon and can be renewed, the next to end first."""
    soon = timezone.now() + ENDS_SOON
    own = Certificate.objects.filter(owner=str(user.pk), not_after__lt=soon, not_after__gt=timezone.now())
    found = list(own.filter(profile=SHOWN_PROFILE, revoked_at=None).order_by("not_after"))
    wanted = renewable(found)
    return [certificate for certificate in found if certificate.pk in wanted]


def _is_ripe(certificate: Certificate) -> bool:
    if certificate.profile != SHOWN_PROFILE or certificate.revoked_at is not None:
        return False
    return opens_at(certificate) <= timezone.now() <= certificate.not_after


def renew(*, predecessor: Certificate, csr: ParsedCSR, proof: Proof, address: str) -> CertificationRequest:
    """A successor for a live certificate: made APPROVED, as the old key asks, and issued at once.

    The same key again gets the same successor, and a profile that was not used yet makes room for a key.
    Still APPROVED when the signer is down, REJECTED when it refuses. Raises Refused.
    """
    known = _successor(predecessor, csr.key_sha256)
    if known is not None and known.key_sha256:
        return issue(request=known)
    request = _request(predecessor, proof, address)
    if csr.key_sha256 != predecessor.key_sha256:
        _refuse_used_key(csr.key_sha256, request.owner)
    request.csr, request.csr_sha256, request.key_sha256 = csr.der, csr.sha256, csr.key_sha256
    if proof["proof"] == SHOWN:
        request.lapses_at = timezone.now() + KEPT_FOR
    try:
        _begin(request, instead_of=known)
    except (IntegrityError, Refused) as error:  # twice at the same moment
        known = _successor(predecessor, csr.key_sha256)
        if known is None:
            raise Refused(_("This key is asked for already."), ask()) from error
        request = known
    return issue(request=request)


def renew_by_profile(*, predecessor: Certificate, address: str) -> CertificationRequest:
    """A successor for a live certificate that was shown just now, APPROVED, for the first key that comes by
    SCEP with the challenge in its profile (devices.py). Once more: the same one. Raises Refused.
    """
    known = _successor(predecessor, "")
    if known is not None and known.lapses_at and known.lapses_at > timezone.now():
        return known
    request = _request(predecessor, shown(), address)
    for name, value in devices.approval(request, at=timezone.now(), within=PROFILE_WITHIN).items():
        setattr(request, name, value)
    try:
        _begin(request, instead_of=known)
    except (IntegrityError, Refused) as error:
        known = _successor(predecessor, "")
        if known is None:
            raise _has_one() from error
        request = known
    return request


def _begin(request: CertificationRequest, *, instead_of: CertificationRequest | None) -> None:
    """The row with its audit line; `instead_of` is a profile's that nothing came for.

    Raises IntegrityError when the predecessor has a successor by now, and Refused when the profile was used.
    """
    detail: dict[str, Any] = {"renews": request.predecessor and request.predecessor.serial}
    detail |= {"proof": request.proof["proof"], "key": request.key_sha256}
    with transaction.atomic():
        if instead_of is not None:
            move(instead_of, Status.APPROVED, Status.WITHDRAWN, where=WITHOUT_KEY)
            record("withdrawn", instead_of, request.owner, request.address)
        request.save(force_insert=True)
        record("renewal", request, request.owner, request.address, detail)


def _successor(predecessor: Certificate, key_sha256: str) -> CertificationRequest | None:
    """The one there is, when it has this key or none yet. Raises Refused when it has another one."""
    found = successor_of(predecessor)
    if found is not None and found.key_sha256 not in ("", key_sha256):
        raise _has_one()
    return found


def _refuse_used_key(key_sha256: str, owner: User) -> None:
    """With a way out that fits who renews, and has no help for making keys by hand before their eyes."""
    try:
        history.refuse_used_key(key_sha256, owner)
    except Refused as error:
        raise Refused(str(error), _("Begin again: that makes a new key.")) from error


def _has_one() -> Refused:
    return Refused(_("This certificate was renewed already, with another key; that works once only."), ask())


def _owner(predecessor: Certificate) -> User:
    try:
        owner = User.objects.filter(pk=UUID(predecessor.owner), is_active=True).first()
    except ValueError:  # a service's
        owner = None
    if owner is None:
        raise Refused(_("The account of this certificate's owner is closed."), _("Ask an administrator."))
    return owner


def _refuse_unfit(predecessor: Certificate, proof: Proof) -> None:
    """What the signer would refuse, too."""
    now = timezone.now()
    if predecessor.revoked_at is not None:
        raise Refused(_("This certificate was revoked, or is on hold."), ask())
    if not predecessor.not_before <= now <= predecessor.not_after:
        raise Refused(_("This certificate has expired."), ask())
    if predecessor.profile not in PROFILES or not PROFILES[predecessor.profile].renews_itself:
        raise Refused(_("Certificates of this kind are not renewed like this."), ask())
    if proof["proof"] == SHOWN and now < opens_at(predecessor):
        raise Refused(
            _("This certificate is too young to be renewed: that works in the last third of its life."),
            _("Come back then, or ask for a new certificate in the portal, which a person approves."),
        )


def _request(predecessor: Certificate, proof: Proof, address: str) -> CertificationRequest:
    """Approved, without its key. Raises Refused."""
    owner = _owner(predecessor)
    _refuse_unfit(predecessor, proof)
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
        organization=str(subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value),
        common_name=predecessor.subject,
        sans=list(predecessor.sans),
        days=max(1, min(profile.default_days, lifetime.days)),  # no longer than the one before
        decided_at=timezone.now(),
        profile_digest=profile.digest,
        predecessor=predecessor,
        proof=proof,
    )
