"""What a renewal leaves behind: the old certificate, once the new one was seen at work; and how both end."""

from django.utils import timezone

from enrollment.models import CertificationRequest, Status
from pki import revocation
from pki.models import Certificate

AT_A_TIME = 50  # each is a revocation list, too
BY = "housekeeping"
# Reasons that count for what renewed a certificate as well. The old key alone vouched for the new one: who
# stole it could renew; and a device that should not have access has none by its next one.
ENDS_ALL = ("keyCompromise", "cessationOfOperation", "affiliationChanged", "privilegeWithdrawn")


def revoke() -> int:
    """Revoke predecessors whose successor is live and was seen; how many.

    Not before: until then the old one is all that opens the door. A program that renews by itself (SCEP) is
    never seen, and its old certificate just ends. Raises SignerUnavailable.
    """
    now = timezone.now()
    replaced = CertificationRequest.objects.filter(
        predecessor__revoked_at=None,
        predecessor__not_after__gt=now,
        certificate__revoked_at=None,
        certificate__not_after__gt=now,
        certificate__seen__isnull=False,
    ).select_related("predecessor")
    done = 0
    for request in replaced.defer("csr").order_by("created_at", "id")[:AT_A_TIME]:
        if request.predecessor is not None:
            revocation.revoke(request.predecessor, "superseded", by=BY, address="")
            done += 1
    return done


def followers(certificate: Certificate) -> list[Certificate]:
    """The live ones that renew it, and those that renew these."""
    found: list[Certificate] = []
    last: Certificate | None = certificate
    while last := Certificate.objects.filter(
        request__predecessor=last, request__status=Status.ISSUED
    ).first():
        found.append(last)
    now = timezone.now()
    return [one for one in found if one.revoked_at is None and one.not_after >= now]


def before(request: CertificationRequest) -> CertificationRequest | None:
    """The request of what `request` renews, while that is live."""
    own = CertificationRequest.objects.filter(certificate=request.predecessor, certificate__isnull=False)
    return own.filter(certificate__revoked_at=None, certificate__not_after__gte=timezone.now()).first()


def end(certificate: Certificate, reason: str, *, by: str, address: str) -> Certificate:
    """Revoke it, for some reasons with its followers. Raises as `revocation.revoke`; may be repeated then.

    The followers come first: it is the one that is asked for again when one of them failed.
    """

    def revoke_followers() -> None:
        for one in followers(certificate) if reason in ENDS_ALL else ():
            revocation.revoke(one, reason, by=by, address=address)

    revoke_followers()
    ended = revocation.revoke(certificate, reason, by=by, address=address)
    revoke_followers()  # made at that very moment; from now on the signer makes none
    return ended
