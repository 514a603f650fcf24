"""Ending certificates early: who may, what goes along, holds and their release, the code on paper.

pki/revocation.py does it; here stands who may have it done.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import household, independence, recovery
from accounts.models import User
from audit import trail
from enrollment import replaced
from enrollment.in_words import REASONS, in_words
from enrollment.models import PaperCode
from enrollment.refusals import Refused
from pki import revocation
from pki.errors import PkiError
from pki.models import Certificate
from pki.revocation import COMPROMISED, HOLD

# What a person may choose. A hold is the only one that is not for good.
AT_ONCE = 100  # certificates with one code
LETTERS = 20  # of 31 each: 99 bits, too many to guess however fast
ON_PAPER = "code on paper"  # who revokes, in the audit trail
NOT_YET = gettext_lazy("Try again in a minute; it is not revoked yet.")


def may_revoke(by: User, certificate: Certificate) -> bool:
    """One's own; an officer everybody's, but not those of our own services, which renew themselves."""
    return certificate.owner == str(by.pk) or (by.is_officer and owner_of(certificate) is not None)


def is_over(certificate: Certificate, reason: str) -> bool:
    """Whether nothing is left to do: revoked already, for good; or held, when a hold is asked for."""
    if certificate.revoked_at is None:
        return certificate.not_after <= timezone.now()
    return certificate.reason != HOLD or reason == HOLD


def same_key(chosen: Iterable[Certificate]) -> list[Certificate]:
    """The other certificates with a key of theirs: a compromise ends them as well."""
    chosen = list(chosen)
    others = Certificate.objects.filter(key_sha256__in={found.key_sha256 for found in chosen})
    others = others.exclude(pk__in=[found.pk for found in chosen]).defer("der")
    return [found for found in others.order_by("not_after", "id") if not is_over(found, COMPROMISED)]


def revoke(
    certificate: Certificate,
    *,
    by: User,
    address: str,
    reason: str,
    since: datetime | None = None,
    more: bool = False,
) -> Certificate:
    """By its owner or an officer; `reason` is one of REASONS, `since` from when on it may have been misused.

    With `more` to come call `in_force` after the last. Raises Refused, also while the signer does not answer:
    then nothing was done.
    """
    if not may_revoke(by, certificate):
        raise Refused(_("Only its owner or an officer can revoke this certificate."), _("Ask your officer."))
    if reason not in REASONS:
        raise Refused(_("Choose why it is revoked."), _("If nothing fits, take the first one."))
    if is_over(certificate, reason):
        raise Refused(
            _("There is nothing left to revoke: it ended before."), _("Reload the page to see what it is.")
        )
    return _revoke(certificate, reason, since, by=by.username, address=address, more=more)


def in_force() -> None:
    """The lists, once for all that was just revoked."""
    revocation.in_force()


def _revoke(
    certificate: Certificate,
    reason: str,
    since: datetime | None,
    *,
    by: str,
    address: str,
    more: bool = False,
) -> Certificate:
    try:
        return replaced.end(certificate, reason, by=by, address=address, invalidity=since, more=more)
    except PkiError as error:
        raise Refused(in_words(str(error)), in_words(error.remedy) or NOT_YET) from error


def release(certificate: Certificate, *, by: User, address: str) -> Certificate:
    """End a hold: by an officer who is independent of the owner, as for an approval. Raises Refused."""
    owner = owner_of(certificate)
    if not (by.is_officer and by.is_active) or owner is None:
        raise Refused(_("Only an officer can release a certificate."), _("Ask your officer."))
    house = household.current()
    try:
        independence.may_decide_for(by, owner, house)
    except independence.NotIndependent as error:
        raise Refused(error.sentence, error.remedy) from error
    if certificate.reason != HOLD:
        raise Refused(_("It is not on hold."), _("Reload the page to see what it is."))
    try:
        return revocation.release(
            certificate,
            officer=str(by.pk),
            one_person=house.one_person,
            by=by.username,
            address=address,
        )
    except PkiError as error:
        raise Refused(
            in_words(str(error)), in_words(error.remedy) or _("Try again in a minute; it is still on hold.")
        ) from error


def owner_of(certificate: Certificate) -> User | None:
    """None for a service of our own."""
    try:
        return User.objects.filter(pk=UUID(certificate.owner)).first()
    except ValueError:
        return None


def make_paper_code(certificate: Certificate, *, by: User, address: str) -> str:
    """A new code for one's own certificate, shown once; the one before works no more. Raises Refused."""
    if certificate.owner != str(by.pk):
        raise Refused(
            _("Only its owner can have a code made."),
            _("An officer needs none: they revoke it on its page."),
        )
    if is_over(certificate, COMPROMISED):
        raise Refused(
            _("This certificate has ended: there is nothing to revoke any more."),
            _("Ask for a new one if the device still needs it."),
        )
    code = "".join(secrets.choice(recovery.ALPHABET) for _ in range(LETTERS))
    fields = {"digest": _digest(code), "made_at": timezone.now(), "used_at": None}
    with transaction.atomic():
        PaperCode.objects.update_or_create(certificate=certificate, defaults=fields)
        _note("paper", certificate, by.username, address)
    return "-".join(code[at : at + 4] for at in range(0, LETTERS, 4))


def by_paper(typed: str) -> PaperCode:
    """The unused code that was typed. Raises Refused."""
    found = PaperCode.objects.filter(digest=_digest(_plain(typed))).select_related("certificate").first()
    if found is None:
        raise Refused(
            _("No certificate has this code."),
            _("Compare each letter with the paper. When a new code was made, the one before works no more."),
        )
    if found.used_at is not None or is_over(ended_by(found), COMPROMISED):
        raise Refused(
            _("This code was used already, or its certificate has ended: nothing opens for it."),
            _("Does the device open something all the same? Call an officer, who sees all its certificates."),
        )
    return found


def ended_by(found: PaperCode) -> Certificate:
    """What the code ends: its certificate; when that is over what renews it, on the same device."""
    certificate = found.certificate
    followers = replaced.followers(certificate) if is_over(certificate, COMPROMISED) else []
    return followers[0] if followers else certificate


def use_paper(found: PaperCode, *, address: str) -> Certificate:
    """Revoke: who uses this has lost the device, so its key counts as known to others. Raises Refused."""
    certificate = first = ended_by(found)
    while before := replaced.before(first):  # on the same device, and open until it is replaced
        first = before
    _revoke(first, COMPROMISED, None, by=ON_PAPER, address=address)
    certificate.refresh_from_db()
    with transaction.atomic():
        fresh = PaperCode.objects.filter(pk=found.pk, used_at=None)
        if fresh.update(used_at=timezone.now()) == 1:
            _note("paper-used", certificate, "", address)
    return certificate


def _note(what: str, certificate: Certificate, actor: str, address: str) -> None:
    detail = {"common_name": certificate.subject, "serial": certificate.serial}
    trail.record(
        f"certificate.{what}", actor=actor, address=address, target=str(certificate.pk), detail=detail
    )


def _plain(typed: str) -> str:
    """Without what people put between the letters, and what a link carried along."""
    return re.sub(r"[^0-9a-z]", "", recovery.normalised(typed))[: 2 * LETTERS]


def _digest(code: str) -> str:
    """No salt and no slow hash: 99 random bits are not looked up in any table."""
    return hashlib.sha256(code.encode()).hexdigest()
