"""Revoking (RFC 5280 5): the signer's journal first, then our copy, then a new CRL at once.

A crash between two of these steps loses nothing: repeating the call goes through them again, each of them is
harmless when done twice, and `catch_up` does the same from what the signer has signed.
"""

import logging
from datetime import datetime

from cryptography import x509
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit import trail
from pki import crl
from pki.errors import PkiError
from pki.models import Certificate
from pki.signer import client
from pki.signer.protocol import AUTHORITIES

log = logging.getLogger(__name__)

# RFC 5280 5.3.1, those that a person may give for a leaf certificate. A hold comes with its own page.
REASONS = {
    "unspecified": "No particular reason",
    "keyCompromise": "Somebody else may have the key: lost, stolen or copied",
    "superseded": "It was replaced by another certificate",
    "cessationOfOperation": "The device is no longer used",
    "affiliationChanged": "The person or device no longer belongs here",
    "privilegeWithdrawn": "It should not have this access any more",
}
HOLD = "certificateHold"  # until it is released, or revoked for good
CHUNK = 500  # serial numbers in one query


def revoke(certificate: Certificate, reason: str, *, by: str, address: str) -> Certificate:
    """Revoke; the first time and reason stay when it is repeated. Never inside a transaction.

    `by` is the account's name, `reason` a key of REASONS, or HOLD, in whose place a final one can come later.
    Raises SignerUnavailable when nothing was done, and IssuanceRefused when the signer does not know the
    certificate.
    """
    moment = client.revoke(settings.SIGNER_SOCKET, certificate.authority, certificate.serial, reason, by)
    _note(certificate, moment, reason, by=by, address=address)
    try:
        crl.publish(certificate.authority)
    except PkiError:  # revoked it is; housekeeping publishes as soon as the signer answers again
        log.warning("crl=%s not published after a revocation", certificate.authority)
    certificate.refresh_from_db()
    return certificate


def _note(certificate: Certificate, moment: datetime, reason: str, *, by: str, address: str) -> None:
    with transaction.atomic():
        held = Q(reason=HOLD) if reason != HOLD else Q()
        fresh = Certificate.objects.filter(Q(revoked_at=None) | held, pk=certificate.pk)
        if fresh.update(revoked_at=moment, reason=reason) == 1:
            detail = {"common_name": certificate.subject, "reason": reason}
            detail |= {"authority": certificate.authority, "serial": certificate.serial}
            trail.record(
                "certificate.revoked", actor=by, address=address, target=str(certificate.pk), detail=detail
            )


def catch_up() -> None:
    """Bring our rows and the published CRLs together: housekeeping's repair. Raises SignerUnavailable."""
    for authority in AUTHORITIES:
        if not crl.path(authority).exists() or _unpublished(authority):
            crl.publish(authority)
        _note_all_of(authority)


def _unpublished(authority: str) -> bool:
    """Whether one of the newest revocations we know is not in the published CRL, or that is none."""
    try:
        published = x509.load_der_x509_crl(crl.published(authority))
    except ValueError:
        return True
    revoked = Certificate.objects.filter(
        authority=authority, revoked_at__isnull=False, not_after__gt=timezone.now()
    )
    newest = revoked.order_by("-revoked_at").values_list("serial", flat=True)[:CHUNK]
    return any(
        published.get_revoked_certificate_by_serial_number(int(serial, 16)) is None for serial in newest
    )


def _note_all_of(authority: str) -> None:
    """Revocations the signer's journal has and we lost in a crash."""
    published = x509.load_der_x509_crl(crl.published(authority))
    for start in range(0, len(published), CHUNK):
        entries = {f"{entry.serial_number:x}": entry for entry in published[start : start + CHUNK]}
        lost = Certificate.objects.filter(authority=authority, revoked_at=None, serial__in=list(entries))
        for certificate in lost:
            entry = entries[certificate.serial]
            _note(certificate, entry.revocation_date_utc, _reason(entry), by="", address="")


def _reason(entry: x509.RevokedCertificate) -> str:
    """An entry without the extension means unspecified (RFC 5280 5.3.1)."""
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return "unspecified"
