"""Revoking (RFC 5280 5): the signer's journal first, then our copy, then a new CRL at once.

The journal numbers its changes (revoked, held, released), and we follow them: the number up to which we did
is in the database, in the same transaction as what was taken over. So a crash between two steps loses
nothing: `catch_up` goes on from there, and none is taken over or told twice.
"""

import logging
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit import trail
from pki import crl
from pki.errors import IssuanceRefused, PkiError
from pki.models import Certificate, JournalPosition
from pki.signer import client
from pki.signer.entries import HOLD as HOLD  # until it is released, or revoked for good
from pki.signer.protocol import AUTHORITIES, Change, Changes, ReleaseEvidence

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
COMPROMISED = "keyCompromise"


def revoke(
    certificate: Certificate,
    reason: str,
    *,
    by: str,
    address: str,
    invalidity: datetime | None = None,
    more: bool = False,
) -> Certificate:
    """Revoke; the first time stays when it is repeated, and the reason. Never inside a transaction.

    `by` is the account's name, `reason` a key of REASONS, or HOLD, in whose place a final one can come later,
    as keyCompromise can in any other's place: that takes all certificates of the same key along.
    `invalidity`: since when it is suspected to be bad (RFC 5280 5.3.2). Raises SignerUnavailable when nothing
    was done, and IssuanceRefused when the signer does not know the certificate. With `more` to come the lists
    are made after the last one, not after each.
    """
    key = (certificate.authority, certificate.serial)
    moment = client.revoke(settings.SIGNER_SOCKET, *key, reason, by, invalidity)
    _note_at_once(certificate, moment, reason, invalidity, by=by, address=address)
    if not more:
        in_force()
    certificate.refresh_from_db()
    return certificate


def release(
    certificate: Certificate, *, officer: str, one_person: bool, by: str, address: str
) -> Certificate:
    """End a hold on an officer's word, which the journal keeps. Never inside a transaction.

    `officer` is the account's UUID, `by` its name; `one_person`: the household's switch is on, and it may be
    the officer's own. Raises SignerUnavailable when nothing was done, and IssuanceRefused ("no-hold",
    "self-release").
    """
    evidence = ReleaseEvidence(officer, datetime.now(UTC).isoformat(), one_person)
    key = (certificate.authority, certificate.serial)
    client.release(settings.SIGNER_SOCKET, *key, by, evidence)
    in_force(address)
    certificate.refresh_from_db()
    return certificate


def in_force(address: str = "") -> None:
    """What the journal has: in our rows and on the lists. Later if not now, housekeeping sees to it."""
    try:
        catch_up(address)
    except (PkiError, OSError) as error:  # the disk may be full, too
        log.warning("a revocation is not on its list yet: %s", error)


def catch_up(address: str = "") -> None:
    """Bring the journal, our rows and the published CRLs together. Raises SignerUnavailable.

    `address` is from where came what is new, for the audit trail.
    """
    last = _follow(address)
    for authority in AUTHORITIES:
        if not crl.knows(authority, last[authority]):
            crl.publish(authority, with_root=crl.root_is_due(authority))


def _follow(address: str) -> dict[str, int]:
    """Take over the journal's changes; gives the number of the last one of each authority."""
    while True:
        here = JournalPosition.current()
        found = client.changes(settings.SIGNER_SOCKET, here.number, here.serial)
        if not found.same:
            _tell_again()
        elif not found.steps:
            return found.last
        _take_over(here, found, address)


def _take_over(here: JournalPosition, found: Changes, address: str) -> None:
    """These changes, all or none, unless another process was faster."""
    with transaction.atomic():
        if not here.is_current():
            return
        steps = found.steps if found.same else ()
        final = {(step.authority, step.serial): step for step in steps}  # the last word on each
        for row in _rows(steps):
            if step := final.get((row.authority, row.serial)):
                _note(row, step, address)
        last = steps[-1] if steps else None
        here.move(last.id if last else 0, last.serial if last else "")


def _rows(steps: tuple[Change, ...]) -> list[Certificate]:
    found: list[Certificate] = []
    for authority in {step.authority for step in steps}:  # as the index goes
        serials = [step.serial for step in steps if step.authority == authority]
        found += Certificate.objects.defer("der").filter(authority=authority, serial__in=serials)
    return found


def _note(row: Certificate, step: Change, address: str) -> None:
    moment = datetime.fromtimestamp(step.revoked_at, UTC) if step.reason else None
    if (row.revoked_at, row.reason) == (moment, step.reason):
        return
    if moment is None and row.reason != HOLD:  # an old step of a journal that is followed anew: the last one
        return  # comes later, and in between nobody is to hear that it is good
    row.revoked_at, row.reason = moment, step.reason
    row.invalidity = _moment(step.invalidity)
    row.save(update_fields=["revoked_at", "reason", "invalidity"])
    _record(row, "revoked" if step.reason else "released", by=step.by, address=address)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _note_at_once(
    certificate: Certificate,
    moment: datetime,
    reason: str,
    invalidity: datetime | None,
    *,
    by: str,
    address: str,
) -> None:
    """Our row, before anything else is asked of the signer: it might be gone now."""
    with transaction.atomic():
        weaker = Q(revoked_at=None)
        if reason != HOLD:
            weaker |= Q(reason=HOLD)
        if reason == COMPROMISED:
            weaker |= ~Q(reason=COMPROMISED)
        fresh = Certificate.objects.filter(weaker, pk=certificate.pk)
        if fresh.update(revoked_at=moment, reason=reason, invalidity=invalidity) == 1:
            certificate.reason = reason
            _record(certificate, "revoked", by=by, address=address)


def _record(certificate: Certificate, what: str, *, by: str, address: str) -> None:
    detail = {"common_name": certificate.subject, "reason": certificate.reason}
    detail |= {"authority": certificate.authority, "serial": certificate.serial}
    trail.record(f"certificate.{what}", actor=by, address=address, target=str(certificate.pk), detail=detail)


def _tell_again() -> None:
    """The journal is an older one than we knew, from a backup: what was revoked since is revoked again."""
    log.warning("the signer's journal is not the one that was followed; it is told all revocations again")
    for authority in AUTHORITIES:
        crl.forget(authority)
    gone = Certificate.objects.filter(revoked_at__isnull=False, not_after__gt=timezone.now())
    for row in gone.only("authority", "serial", "reason", "invalidity").iterator():
        try:
            key = (row.authority, row.serial)
            client.revoke(settings.SIGNER_SOCKET, *key, row.reason, "journal restored", row.invalidity)
        except IssuanceRefused as error:
            log.warning("serial=%s cannot be revoked again: %s", row.serial, error)
