"""What a renewal leaves behind: the old certificate, once the new one was seen at work, or after a time; and
how both end."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from enrollment.models import CertificationRequest, Status
from pki import revocation
from pki.models import Certificate
from pki.signer.entries import ENDS_ALL

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


def before(certificate: Certificate) -> Certificate | None:
    """What it renews, while that is live."""
    own = Certificate.objects.filter(successors__certificate=certificate, revoked_at=None)
    return own.filter(not_after__gte=timezone.now()).first()


def end(
    certificate: Certificate,
    reason: str,
    *,
    by: str,
    address: str,
    invalidity: datetime | None = None,
    more: bool = False,
) -> Certificate:
    """Revoke it, for some reasons with its followers. Arguments and errors are `revocation.revoke`'s; may be
    repeated after an error.

    The followers come first: it is the one that is asked for again when one of them failed.
    """

    def revoke_followers() -> None:
        for one in followers(certificate) if reason in ENDS_ALL else ():
            revocation.revoke(one, reason, by=by, address=address, more=more)

    revoke_followers()
    ended = revocation.revoke(certificate, reason, by=by, address=address, invalidity=invalidity, more=more)
    revoke_followers()  # made at that very moment; from now on the signer makes none
    return ended
