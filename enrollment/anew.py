"""Asking anew for what one has, before it ends: the request says what it replaces, and a person decides as
always. What needs no decision, as the old key asks for the new one, is in renewing.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import proposals
from enrollment.models import CertificationRequest, EnrolmentChallenge, Kind, Status
from enrollment.refusals import Refused
from enrollment.renewing import SUCCEEDING
from enrollment.transitions import record
from pki.models import Certificate
from pki.profiles import PROFILES

_KEY = "renews"  # in the session: what the next request is to replace
ASKED = (Status.PENDING, *SUCCEEDING)
_INSTEAD = gettext_lazy("Refuse this request: its owner can ask with a new key.")


def may_be(certificate: Certificate) -> bool:
    """Whether it can be renewed by a new request: it counts, and nothing is to replace it yet."""
    counts = certificate.revoked_at is None and certificate.not_after > timezone.now()
    return counts and certificate.profile in PROFILES and successor_asked(certificate) is None


def successor_asked(certificate: Certificate) -> CertificationRequest | None:
    """The request that is to replace it, or did."""
    found = CertificationRequest.objects.filter(predecessor=certificate, status__in=ASKED)
    return found.defer("csr").first()


def request_of(certificate: Certificate) -> CertificationRequest | None:
    """What it was issued for, with the CSR."""
    return CertificationRequest.objects.filter(certificate=certificate).first()


def by_device(before: CertificationRequest | None) -> bool:
    """Whether the device in one's hand made its key, in a page or by a profile."""
    if before is None:
        return False
    return before.made_in_browser or before.kind == Kind.DEVICE or _renewed_by_hand(before)


def by_program(before: CertificationRequest | None) -> bool:
    """Whether a program fetched it by SCEP, which renews it likewise, or renewed it with the old key."""
    if before is None:
        return False
    if before.kind == Kind.RENEWAL:
        return not _renewed_by_hand(before)
    return EnrolmentChallenge.objects.filter(request=before).exists()


def _renewed_by_hand(before: CertificationRequest) -> bool:
    """At the check face, that is, and not by a program."""
    return before.renewed_in_browser or bool(before.kind == Kind.RENEWAL and before.challenge_sha256)


def remember(session: SessionBase, certificate: Certificate) -> None:
    session[_KEY] = str(certificate.pk)


def initial(session: SessionBase) -> dict[str, str]:
    """What the page that asks has in its fields: the same again."""
    found = CertificationRequest.objects.filter(certificate=session.get(_KEY)).defer("csr").first()
    if found is None:
        return {}
    names = " ".join(proposals.shown(san) for san in found.sans)
    return {"device": found.device, "profile": found.profile, "names": names}


def note(session: SessionBase, request: CertificationRequest, *, address: str) -> None:
    """`request` was just made: when it is what was to be renewed, of the same person and purpose, say so."""
    wanted = session.pop(_KEY, None)
    if wanted is None:
        return
    predecessor = Certificate.objects.filter(pk=UUID(wanted), owner=str(request.owner_id)).first()
    if predecessor is None or predecessor.profile != request.profile or not may_be(predecessor):
        return
    waiting = CertificationRequest.objects.filter(pk=request.pk, status=Status.PENDING)
    if waiting.update(predecessor=predecessor) == 1:
        detail = {"renews": predecessor.serial}
        record("renews", request, request.owner, address, detail)


def freed(request: CertificationRequest) -> dict[str, object]:
    """What an approval changes when another request replaced the same one meanwhile: it stands for itself."""
    return {"predecessor": None} if _taken(request) else {}


def refuse_spent_key(request: CertificationRequest) -> None:
    """Raise Refused when the same key would go on after its certificate was revoked, or beside what replaced
    that: whoever took it would have a live certificate for it again."""
    if not request.keeps_key:
        return
    if Certificate.objects.filter(successors=request, revoked_at__isnull=False).exists():
        raise Refused(
            _("What it renews was revoked meanwhile, or put on hold, and its key with it."), str(_INSTEAD)
        )
    if _taken(request):
        raise Refused(_("What it renews was renewed otherwise meanwhile."), str(_INSTEAD))


def _taken(request: CertificationRequest) -> bool:
    """Whether another request replaced the same one."""
    others = CertificationRequest.objects.filter(predecessor=request.predecessor_id).exclude(pk=request.pk)
    return bool(request.predecessor_id) and others.filter(status__in=SUCCEEDING).exists()


@contextmanager
def alone() -> Iterator[None]:
    """Around an approval: of two that replace the same certificate at this very moment one comes too late."""
    try:
        yield
    except IntegrityError as error:
        raise Refused(
            _("Another renewal of this certificate was approved just now."), _("Try again.")
        ) from error
