"""What a renewal leaves behind: the old certificate, once the new one was seen at work."""

from django.utils import timezone

from enrollment.models import CertificationRequest
from pki import revocation

AT_A_TIME = 50  # each is a revocation list, too
BY = "housekeeping"


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
