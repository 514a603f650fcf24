"""Which certificates were seen at work: the green tick for whoever installed one, and for the officers.

The check face notes them, and nobody else: what is written is that the key of a live certificate took part in
a TLS handshake there. On which device, nobody can know; it is wherever that key is.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import trail
from enrollment import notifications
from enrollment.models import Seen
from pki.models import Certificate

SOON = timedelta(days=1)  # in which people install what was issued
ANEW = timedelta(minutes=1)  # a row is not worth a transaction for each reload of the page


def note(certificate_id: UUID, *, address: str, at: datetime) -> bool:
    """The live certificate with this primary key was seen at `at`, from `address`. True for the first time.

    Audited once. The first time stays as it is; the last one is as exact as ANEW.
    """
    known = Seen.objects.filter(certificate_id=certificate_id)
    found = known.first()
    if found is None:
        return _first(certificate_id, address, at)
    if at - found.last_at >= ANEW:
        known.update(last_at=at, address=address)
    return False


def _first(certificate_id: UUID, address: str, at: datetime) -> bool:
    certificate = Certificate.objects.only("subject", "serial", "owner", "request_id").get(pk=certificate_id)
    detail = {"common_name": certificate.subject, "serial": certificate.serial}
    try:
        with transaction.atomic():
            found = Seen.objects.create(certificate=certificate, first_at=at, last_at=at, address=address)
            notifications.seen(found)
            trail.record("certificate.seen", address=address, target=str(certificate_id), detail=detail)
    except IntegrityError:  # noted by another request at the same moment
        return False
    return True


def of(certificate: Certificate | None) -> Seen | None:
    """When it was seen, None when it never was."""
    return Seen.objects.filter(certificate=certificate).first() if certificate else None


def may_come_soon(certificate: Certificate | None) -> bool:
    """Whether it was issued lately, for people, and lives: then it is worth waiting for."""
    if certificate is None or certificate.profile != "tls-client" or certificate.revoked_at:
        return False
    return timezone.now() - certificate.issued_at < SOON
