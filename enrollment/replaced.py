"""What a renewal leaves behind: the old certificate, once the new one was seen at work, or after a time; and
how both end."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from enrollment.models import CertificationRequest, Kind, Status
from pki import revocation
from pki.errors import IssuanceRefused
from pki.models import Certificate
from pki.revocation import COMPROMISED, HOLD
from pki.signer.entries import ENDS_ALL

log = logging.getLogger(__name__)

AFTER = timedelta(days=30)  # that the new one has been there: whoever installs it at all has done so
AT_A_TIME = 50  # so that other duties have their turn
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
    rows = replaced.defer("csr").order_by("created_at", "id")[:AT_A_TIME]
    return _revoke((row.predecessor, "superseded") for row in rows if row.predecessor is not None)


def end_left_over() -> int:
    """Revoke successors that should have ended with their predecessor, when a crash came between; how many.

    What a person approved after that moment is not meant. Raises SignerUnavailable.
    """
    live = Q(certificate__revoked_at=None) | Q(certificate__reason=HOLD)
    left = Q(kind=Kind.RENEWAL) | Q(certificate__issued_at__lt=F("predecessor__revoked_at"))
    found = CertificationRequest.objects.filter(
        live, left, predecessor__reason__in=ENDS_ALL, certificate__not_after__gt=timezone.now()
    )
    rows = found.select_related("certificate", "predecessor").defer("csr").order_by()  # as an index goes
    return _revoke(
        (row.certificate, row.predecessor.reason)
        for row in rows[:AT_A_TIME]
        if row.certificate is not None and row.predecessor is not None
    )


def _revoke(found: Iterable[tuple[Certificate, str]]) -> int:
    """Each for its reason, and then one new list for all of them."""
    done = sum(_revoked(certificate, reason) for certificate, reason in found)
    if done:
        revocation.in_force()
    return done


def _revoked(certificate: Certificate, reason: str) -> bool:
    """One that the signer does not know (its journal is an older one) keeps none of the others."""
    try:
        revocation.revoke(certificate, reason, by=BY, address="", more=True)
    except IssuanceRefused as error:
        log.warning("serial=%s is replaced, and cannot be revoked: %s", certificate.serial, error)
        return False
    return True


def followers(*certificates: Certificate, keys: bool = False) -> list[Certificate]:
    """Those that renew them, and those that renew these, unless they are over; with `keys` also those of all
    others that share a key with one of them: who has the key could renew each."""
    found, newest, now = list(certificates), list(certificates), timezone.now()
    while newest:
        near = Q(request__predecessor__in=newest, request__status=Status.ISSUED)
        near |= Q(key_sha256__in={one.key_sha256 for one in newest}) if keys else Q()
        others = Certificate.objects.filter(near).exclude(pk__in=[known.pk for known in found])
        newest = list(others.distinct().order_by("not_before", "pk"))
        found += newest
    after = found[len(certificates) :]
    return [one for one in after if one.not_after >= now and (not one.revoked_at or one.reason == HOLD)]


def has_successor() -> Exists:
    """Of the certificates in a query: whether a newer one, which was not revoked, is there in its place."""
    issued = CertificationRequest.objects.filter(predecessor=OuterRef("pk"), status=Status.ISSUED)
    return Exists(issued.filter(certificate__revoked_at=None))


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
        for one in followers(certificate, keys=reason == COMPROMISED) if reason in ENDS_ALL else ():
            revocation.revoke(one, reason, by=by, address=address, more=more)

    revoke_followers()
    ended = revocation.revoke(certificate, reason, by=by, address=address, invalidity=invalidity, more=more)
    revoke_followers()  # made at that very moment; from now on the signer makes none
    return ended
