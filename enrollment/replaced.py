"""What a renewal leaves behind: the old certificate, once the new one was seen at work, or after a time."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from enrollment.models import CertificationRequest
from pki import revocation

AFTER = timedelta(days=30)  # that the new one has been there: whoever installs it at all has done so
AT_A_TIME = 50  # each is a revocation list, too
BY = "housekeeping"


def revoke() -> int:
    """Revoke predecessors whose successor is live and was seen, or is there since AFTER; how many.

    Not before: until then the old one may be all that opens the door. A program that renews by itself (SCEP)
    is never seen; its old key is worth nothing to it after that time. Raises SignerUnavailable.
    """
    now = timezone.now()
    replaced = (
        CertificationRequest.objects.filter(
            predecessor__revoked_at=None,
            predecessor__not_after__gt=now,
            certificate__revoked_at=None,
            certificate__not_after__gt=now,
        )
        .filter(Q(certificate__seen__isnull=False) | Q(certificate__issued_at__lt=now - AFTER))
        .select_related("predecessor")
    )
    done = 0
    for request in replaced.defer("csr").order_by("created_at", "id")[:AT_A_TIME]:
        if request.predecessor is not None:
            revocation.revoke(request.predecessor, "superseded", by=BY, address="")
            done += 1
    return done
