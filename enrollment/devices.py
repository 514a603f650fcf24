"""Approvals by device: person and device first, the key afterwards, made by the device itself.

The device's key comes by SCEP with the challenge that stands in the device's profile. The first key that
brings it gets the certificate; the same key again gets the same one.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import independence, sealing
from accounts.models import User
from audit import trail
from enrollment import history, mobile, notifications, proposals
from enrollment.issuing import issue
from enrollment.models import CertificationRequest, Kind, Status
from enrollment.refusals import Refused
from enrollment.transitions import record
from pki.csr import ParsedCSR
from pki.profiles import PROFILES

PROFILE = PROFILES["tls-client"]
COMES_WITHIN = timedelta(days=7)  # from the approval; the signer has the same limit (claims.DEVICE_DAYS)
DIGITS = 40  # of the challenge: 160 bits
MAX_NOTE = 1000  # characters
ANEW = gettext_lazy("Ask for this device anew.")


def ask_for_device(*, by: User, address: str, device: str, note: str = "") -> CertificationRequest:
    """A new request for a device that has no key yet, PENDING. Raises Refused."""
    history.refuse_too_many(by)
    request = CertificationRequest(
        kind=Kind.DEVICE,
        owner=by,
        address=address,
        profile=PROFILE.name,
        device=proposals.checked_label(device),
        note=note.strip()[:MAX_NOTE],
        common_name=proposals.common_name(by, PROFILE, device, ()),
        days=PROFILE.default_days,
    )
    with transaction.atomic():
        request.save(force_insert=True)
        notifications.waits(request)
        detail = {"profile": PROFILE.name, "common_name": request.common_name, "kind": Kind.DEVICE.value}
        record("submitted", request, by, address, detail)
    return request


def approval(
    request: CertificationRequest, *, at: datetime, within: timedelta = COMES_WITHIN
) -> dict[str, Any]:
    """The columns that an approval without a key pins beside those of every approval."""
    return {"challenge_sha256": _digest(challenge_of(request)), "lapses_at": at + within}


def challenge_of(request: CertificationRequest) -> str:
    """The one-time challenge of an approved device: a secret.

    Always the same, as phones fetch a profile twice; and from a key outside the database, which has its
    digest only, so that who reads the database or a copy of it has no challenge.
    """
    return sealing.keyed_digest(str(request.pk), "challenge of a device")[:DIGITS]


def profile_for(request: CertificationRequest, *, by: User, address: str) -> bytes:
    """The signed .mobileconfig for an approved device of `by`. Downloading it uses nothing up."""
    if by.pk != request.owner_id or not request.challenge_sha256:
        raise Refused(_("This is not your device."), _("Look under Your requests."))
    _refuse_used_or_lapsed(request)
    challenge = challenge_of(request)
    if not hmac.compare_digest(_digest(challenge), request.challenge_sha256):
        raise Refused(_("The key that the approval was made with is gone."), ANEW)  # a restored backup
    signed = mobile.signed_profile(request, challenge)
    trail.record(
        "profile.downloaded",
        actor=by.username,
        address=address,
        target=str(request.pk),
        detail={"common_name": request.common_name},
    )
    return signed


def enrol(*, csr: ParsedCSR, challenge: str, address: str) -> CertificationRequest | None:
    """The approved device, or renewal, that `challenge` belongs to, with this key; None: it belongs to none.

    APPROVED -> ISSUED; still APPROVED when the signer is down, REJECTED when it refuses. Raises Refused.
    """
    known = CertificationRequest.objects.filter(challenge_sha256=_digest(challenge))
    request = known.select_related("owner").first()
    if request is None or not challenge:
        return None
    if request.key_sha256 != csr.key_sha256:
        _take_key(request, csr, address)
    return issue(request=request)


def _take_key(request: CertificationRequest, csr: ParsedCSR, address: str) -> None:
    """The first key wins; from here on the request is for it alone."""
    if request.key_sha256:
        _note_second_key(request, csr, address)
    _refuse_used_or_lapsed(request)
    if not request.owner.is_active:
        raise Refused(_("The account of this device's owner is closed."), _("Ask an administrator."))
    history.refuse_used_key(csr.key_sha256, request.owner)
    key = {"csr": csr.der, "csr_sha256": csr.sha256, "key_sha256": csr.key_sha256}
    free = CertificationRequest.objects.filter(pk=request.pk, status=Status.APPROVED, key_sha256="")
    try:
        with transaction.atomic():
            if free.filter(lapses_at__gt=timezone.now()).update(**key) == 1:
                record("key", request, None, address, {"key": csr.key_sha256})
    except IntegrityError as error:
        raise Refused(_("This key is asked for already."), _("Make a new one.")) from error
    request.refresh_from_db(fields=["status", "certificate", "reason", *key])
    if request.key_sha256 != csr.key_sha256:  # unlike a phone that asked twice at once
        raise Refused(_("Another key came first, or the approval has lapsed."), ANEW)


def _note_second_key(request: CertificationRequest, csr: ParsedCSR, address: str) -> None:
    """Somebody had the challenge and was not the first, or was not the owner: officers should know."""
    record("second-key", request, None, address, {"key": csr.key_sha256, "first": request.key_sha256})
    raise Refused(_("This approval was used already, with another key."), ANEW)


def _refuse_used_or_lapsed(request: CertificationRequest) -> None:
    if not request.waits_for_key:
        raise Refused(
            _("This device is not waiting for its profile: %(state)s.")
            % {"state": request.get_status_display()},
            ANEW,
        )
    if request.lapses_at is None or request.lapses_at <= timezone.now():
        raise Refused(_("The approval of this device has lapsed: nothing came for it in time."), ANEW)
    if _was_reset(request):
        raise Refused(_("The account got a new password and app after this device was approved."), ANEW)


def _was_reset(request: CertificationRequest) -> bool:
    """Whether the approval was for whoever held the account before: who made a reset link may have opened it
    themselves, and would have a certificate on one person's word. A renewal was decided by nobody."""
    if request.decided_by_id is None or request.decided_at is None:
        return False
    return independence.was_reset_since(request.owner, request.decided_at)


def _digest(challenge: str) -> str:
    return hashlib.sha256(challenge.encode()).hexdigest()
