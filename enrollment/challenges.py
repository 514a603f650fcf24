"""Personal challenges: what a program needs to ask by SCEP in somebody's name (RFC 8894 2.4, 7.3).

A printer or a router cannot sign in. Who is signed in makes a challenge for it; what it asks for then waits
in the queue like everybody's request. The challenge works once and for a day, and gets nobody a certificate.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from accounts.models import User
from audit import trail
from enrollment import proposals, ra
from enrollment.models import CertificationRequest, EnrolmentChallenge
from enrollment.refusals import Refused
from pki import objections
from pki.csr import ParsedCSR
from pki.profiles import PROFILES

PROFILE = PROFILES["tls-client"]
GOOD_FOR = timedelta(days=1)
KEPT = timedelta(days=30)  # after the end, so that a late program is told why
OPEN_EACH = 20  # unused challenges of one person
BYTES = 15  # 24 characters of base 32, which are typed into printers
# Stored with the request, so in English (enrollment/in_words.py).
BY_PROGRAM = gettext_noop("Sent by a program (SCEP), with a challenge made in the portal.")
ANEW = gettext_lazy("Make a new challenge in the portal.")


def make(*, by: User, address: str, device: str) -> str:
    """A new challenge for one device of `by`; it is not kept, only its digest is. Raises Refused."""
    now = timezone.now()
    if EnrolmentChallenge.objects.filter(owner=by, request=None, lapses_at__gt=now).count() >= OPEN_EACH:
        raise Refused(
            _("%(number)d of your challenges wait to be used already.") % {"number": OPEN_EACH},
            _("Use one, or wait a day."),
        )
    label = proposals.checked_label(device)
    proposals.common_name(by, PROFILE, label, ())  # says now what would be refused later
    text = _new_text()
    with transaction.atomic():
        made = EnrolmentChallenge.objects.create(
            owner=by, sha256=_digest(text), device=label, lapses_at=now + GOOD_FOR
        )
        detail = {"device": label}
        trail.record("challenge.made", actor=by.username, address=address, target=str(made.pk), detail=detail)
    return text


def ask(*, csr: ParsedCSR, challenge: str, address: str) -> CertificationRequest | None:
    """The request that `challenge` lets this key make, PENDING; the same key again gets the same request.

    None when nobody made such a challenge. Raises Refused and CSRRejected.
    """
    known = EnrolmentChallenge.objects.select_related("owner", "request__certificate")
    found = known.filter(sha256=_digest(challenge)).first()
    if found is None:
        return None
    if found.request is not None:
        if found.request.key_sha256 == csr.key_sha256:
            return found.request
        raise Refused(_("This challenge was used already."), ANEW)
    if found.lapses_at <= timezone.now():
        raise Refused(_("This challenge has lapsed."), ANEW)
    if not (found.owner.is_active and found.owner.is_requester):
        raise Refused(
            _("The account that made this challenge may not ask any more."), _("Ask an administrator.")
        )
    objections.check(csr, lambda san: proposals.may_be_asked(PROFILE, san))
    return _submitted(found, csr, address)


def _submitted(found: EnrolmentChallenge, csr: ParsedCSR, address: str) -> CertificationRequest:
    """Request and used challenge together, or neither."""
    with transaction.atomic():
        request = ra.submit(
            by=found.owner,
            address=address,
            csr=csr,
            profile=PROFILE.name,
            device=found.device,
            note=BY_PROGRAM,
            sans=[],
        )
        free = EnrolmentChallenge.objects.filter(pk=found.pk, request=None)
        if free.update(request=request) != 1:
            raise Refused(_("This challenge was used already."), ANEW)
    return request


def sweep() -> int:
    """Forget what was never used; for housekeeping. Gives how many."""
    old = EnrolmentChallenge.objects.filter(request=None, lapses_at__lt=timezone.now() - KEPT)
    return old.delete()[0]


def _new_text() -> str:
    """Letters and digits that are not mistaken for each other when typed."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 of them, five bits each
    return "".join(secrets.choice(letters) for _ in range(BYTES * 8 // 5))


def _digest(challenge: str) -> str:
    """No salt, no slow hash: the text is 120 random bits."""
    return hashlib.sha256(challenge.encode()).hexdigest()
