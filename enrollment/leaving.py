"""What a person who leaves has here: certificates, requests, codes on paper, and what lets programs ask."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from enrollment import replaced
from enrollment.issuing import WITHOUT_KEY
from enrollment.models import CertificationRequest, EnrolmentChallenge, HandOver, PaperCode, Status
from enrollment.refusals import Refused
from enrollment.transitions import move, record
from pki import revocation
from pki.errors import IssuanceRefused
from pki.models import Certificate
from pki.revocation import HOLD

REASON = "cessationOfOperation"
OPEN = Q(status=Status.PENDING) | Q(status=Status.APPROVED)


def certificates(person: User) -> QuerySet[Certificate]:
    """Live ones, and those on hold, by their names."""
    live = Q(revoked_at=None) | Q(reason=HOLD)
    mine = Certificate.objects.filter(live, owner=str(person.pk), not_after__gt=timezone.now())
    return mine.order_by("subject", "pk").defer("der")


def revoke(person: User, *, by: User, address: str) -> int:
    """Revoke them all; how many. Never inside a transaction.

    Raises SignerUnavailable; and IssuanceRefused, after all others, when the signer does not know one. It may
    be repeated, and goes on with what is left.
    """
    refused: IssuanceRefused | None = None
    found = list(certificates(person))
    for certificate in found:
        try:
            replaced.end(certificate, REASON, by=by.username, address=address, more=True)
        except IssuanceRefused as error:
            refused = error
    if found:
        revocation.in_force(address)
    if refused is not None:
        raise refused
    return len(found)


def requests(person: User) -> QuerySet[CertificationRequest]:
    """Open ones. One that is approved and has a key waits for the signer; its certificate is revoked then."""
    return CertificationRequest.objects.filter(OPEN, owner=person).order_by("created_at", "pk").defer("csr")


def withdraw(person: User, *, by: User, address: str) -> int:
    """Take back what nobody decided on, and approvals for which no key came; how many."""
    done = 0
    for request in requests(person).filter(Q(status=Status.PENDING) | WITHOUT_KEY):
        try:
            with transaction.atomic():
                where = WITHOUT_KEY if request.status == Status.APPROVED else Q()
                move(request, Status(request.status), Status.WITHDRAWN, where=where)
                record("withdrawn", request, by, address, {"why": "left"})
        except Refused:  # decided at this very moment: the next round sees what came of it
            continue
        done += 1
    return done


def codes(person: User) -> int:
    """Codes on paper that were not used, and what lets a phone or program of theirs ask; how many."""
    return sum(rows.count() for rows in _codes(person))


def end_codes(person: User) -> int:
    return sum(rows.delete()[0] for rows in _codes(person))


def _codes(
    person: User,
) -> tuple[QuerySet[PaperCode], QuerySet[HandOver], QuerySet[EnrolmentChallenge]]:
    return (
        PaperCode.objects.filter(certificate__owner=str(person.pk), used_at=None),
        HandOver.objects.filter(owner=person),
        EnrolmentChallenge.objects.filter(owner=person, request=None),
    )
