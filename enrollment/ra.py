"""The registration authority: who may have what. Its verbs are the only code that changes a request's status.

Each transition is one function: a compare-and-swap UPDATE and its audit line, in one transaction.
Of several who try at once, one succeeds and the others are told what happened meanwhile. The signer is only
ever asked outside a transaction. The verbs about devices and renewals have files of their own.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import household, independence
from accounts.models import Household, User
from enrollment import anew, devices, history, notifications, proposals, replaced
from enrollment.devices import ask_for_device as ask_for_device
from enrollment.devices import enrol as enrol
from enrollment.devices import profile_for as profile_for
from enrollment.in_words import in_words
from enrollment.issuing import AT_A_TIME, WITHOUT_KEY
from enrollment.issuing import issue as issue
from enrollment.issuing import issue_waiting as issue_waiting
from enrollment.models import CertificationRequest, Kind, Message, Status
from enrollment.refusals import Refused as Refused  # ra.Refused: what every caller catches
from enrollment.renewing import renew as renew
from enrollment.renewing import renew_by_profile as renew_by_profile
from enrollment.transitions import EVERYWHERE, move, record, too_late
from pki import revocation
from pki.csr import ParsedCSR
from pki.errors import PkiError
from pki.models import Certificate
from pki.profiles import PROFILES

LAPSES_AFTER = timedelta(days=30)
MAX_TEXT = 1000  # characters


def submit(
    *,
    by: User,
    address: str,
    csr: ParsedCSR,
    profile: str,
    device: str,
    note: str = "",
    sans: list[str],
    lapses_at: datetime | None = None,
    renews: Certificate | None = None,
) -> CertificationRequest:
    """A new request, PENDING. `sans` as people type them, confirmed by the requester. Raises Refused.

    It lapses after 30 days, or at `lapses_at` if that is sooner. `renews`: the live certificate of the same
    key whose place it takes, and whose name it keeps (same_key.py).
    """
    chosen = PROFILES[profile]
    confirmed = proposals.checked_sans(chosen, sans)
    history.refuse_used_key(csr.key_sha256, by, renews=renews)
    history.refuse_too_many(by)
    request = CertificationRequest(
        owner=by,
        address=address,
        profile=profile,
        device=proposals.checked_label(device),
        note=note.strip()[:MAX_TEXT],
        csr=csr.der,
        csr_sha256=csr.sha256,
        key_sha256=csr.key_sha256,
        common_name=renews.subject if renews else proposals.common_name(by, chosen, device, confirmed),
        sans=list(confirmed),
        days=chosen.default_days,
        lapses_at=lapses_at,
        predecessor=renews,
    )
    history.refuse_taken_name(chosen, request.common_name, by)
    try:
        with transaction.atomic():
            request.save(force_insert=True)
            notifications.waits(request)
            detail = {"profile": profile, "common_name": request.common_name, "key": csr.key_sha256}
            record("submitted", request, by, address, detail)
            if renews is not None:
                record("renews", request, by, address, {"renews": renews.serial, "key": "the same"})
    except IntegrityError as error:  # the same key, sent twice at the same moment
        history.refuse_used_key(csr.key_sha256, by, renews=renews)
        raise Refused(_("This request arrived twice at once."), _("Look under Your requests.")) from error
    return request


def withdraw(*, request: CertificationRequest, by: User, address: str) -> CertificationRequest:
    """PENDING -> WITHDRAWN, by its owner; and APPROVED -> WITHDRAWN as long as no key came for it."""
    _only_owner(request, by)
    source, where = _undecided(request)
    with transaction.atomic():
        move(request, source, Status.WITHDRAWN, where=where)
        record("withdrawn", request, by, address)
    return request


def ask(*, request: CertificationRequest, by: User, address: str, text: str) -> Message:
    """An officer's question; the request stays PENDING."""
    _only_officer(by)
    return _say(request, by, address, text, from_officer=True)


def answer(*, request: CertificationRequest, by: User, address: str, text: str) -> Message:
    """The owner's answer to an open question."""
    _only_owner(request, by)
    if not question_open(request):
        raise Refused(
            _("There is no open question."), _("Your answer may have arrived already: reload the page.")
        )
    return _say(request, by, address, text, from_officer=False)


def question_open(request: CertificationRequest) -> bool:
    """Whether the last word is the officer's."""
    last = request.messages.order_by("-id").first()
    return last is not None and last.from_officer


def approve(
    *,
    request: CertificationRequest,
    by: User,
    address: str,
    common_name: str | None = None,
    sans: list[str] | None = None,
    days: int | None = None,
) -> CertificationRequest:
    """PENDING -> APPROVED, pinning what is issued, then the signer is asked. None: as proposed.

    Comes back ISSUED; APPROVED with `trouble` when the signer is down; REJECTED when the signer refuses. A
    device stays APPROVED: its certificate is made when it comes with its key.
    """
    _only_officer(by)
    if not request.owner.is_active:
        raise Refused(
            _("The account of %(person)s is closed.") % {"person": request.owner.both_names},
            _("Refuse the request, or open the account again."),
        )
    house = household.current()
    try:
        independence.may_decide_for(by, request.owner, house)
    except independence.NotIndependent as error:
        raise Refused(error.sentence, error.remedy) from error
    anew.refuse_spent_key(request)
    profile = PROFILES[request.profile]
    typed = [proposals.shown(san) for san in request.sans] if sans is None else sans
    names = proposals.checked_sans(profile, typed)
    pinned: dict[str, Any] = {
        "organization": house.name,
        "common_name": proposals.checked_name(profile, common_name or request.common_name, names),
        "sans": list(names),
        "days": proposals.checked_days(profile, request.days if days is None else days),
        "profile_digest": profile.digest,
    }
    decision = {**_decision(by), "one_person": house.one_person, **anew.freed(request)}
    if request.kind == Kind.DEVICE:
        decision |= devices.approval(request, at=decision["decided_at"])
    history.refuse_taken_name(profile, str(pinned["common_name"]), request.owner)
    with anew.alone(), transaction.atomic():
        move(request, Status.PENDING, Status.APPROVED, **decision, **pinned)
        if request.kind == Kind.DEVICE:
            notifications.device_approved(request)
        record("approved", request, by, address, {**pinned, **_independence(by, request, house)})
    return issue(request=request)


def reject(*, request: CertificationRequest, by: User, address: str, reason: str) -> CertificationRequest:
    """PENDING -> REJECTED with a reason the requester reads. The same key may be submitted again.

    The approval of a device that did not come yet can be taken back likewise: APPROVED -> REJECTED.
    """
    _only_officer(by)
    house = household.current()
    if by.pk == request.owner_id and not house.one_person:
        raise Refused(_("This is your own request."), _("Withdraw it instead, or ask another officer."))
    why = _text(reason, MAX_TEXT)
    source, where = _undecided(request)
    decision = {**_decision(by), "one_person": house.one_person, "reason": why}
    with transaction.atomic():
        move(request, source, Status.REJECTED, where=where, **decision)
        notifications.refused(request, why)
        record("rejected", request, by, address, {"reason": why})
    return request


def _undecided(request: CertificationRequest) -> tuple[Status, Q]:
    """From where it can be ended by a person: while it waits, or while its approval does, for a key."""
    return (Status.APPROVED, WITHOUT_KEY) if request.waits_for_key else (Status.PENDING, EVERYWHERE)


def lapse_overdue() -> int:
    """What waited too long for a decision, and devices that did not come for theirs -> LAPSED; how many."""
    now = timezone.now()
    lapsed = _lapse(Q(status=Status.PENDING) & (Q(created_at__lt=now - LAPSES_AFTER) | Q(lapses_at__lt=now)))
    return lapsed + _lapse(WITHOUT_KEY & Q(status=Status.APPROVED, lapses_at__lt=now))


def _lapse(which: Q) -> int:
    lapsed = 0
    overdue = CertificationRequest.objects.filter(which).defer("csr").order_by("created_at", "id")
    for request in overdue[:AT_A_TIME]:
        try:
            with transaction.atomic():
                move(request, Status(request.status), Status.LAPSED, where=which)
                notifications.lapsed(request)
                record("lapsed", request, None, "")
        except Refused:  # decided at this very moment
            continue
        lapsed += 1
    return lapsed


def revoke(*, request: CertificationRequest, by: User, address: str, reason: str) -> Certificate:
    """Revoke the certificate of `request`, by its owner or an officer. `reason` is one of pki's REASONS.

    For some of them what renewed it is revoked as well (replaced.ENDS_ALL).
    """
    if by.pk != request.owner_id and not by.is_officer:
        raise Refused(_("Only its owner or an officer can revoke this certificate."), _("Ask your officer."))
    if request.certificate is None:
        raise Refused(
            _("Nothing was issued for this request, so there is nothing to revoke."),
            _("Reload the page to see what it is."),
        )
    if reason not in revocation.REASONS:
        raise Refused(_("Choose why it is revoked."), _("If nothing fits, take the first one."))
    try:
        return replaced.end(request.certificate, reason, by=by.username, address=address)
    except PkiError as error:
        raise Refused(
            in_words(str(error)), in_words(error.remedy) or _("Try again in a minute; it is not revoked yet.")
        ) from error


def _say(request: CertificationRequest, by: User, address: str, text: str, *, from_officer: bool) -> Message:
    said = _text(text, MAX_TEXT)
    with transaction.atomic():
        # The UPDATE holds the row, so that nothing is asked about what was decided at the same moment.
        open_still = CertificationRequest.objects.filter(pk=request.pk, status=Status.PENDING)
        if open_still.update(changed_at=timezone.now()) != 1:
            raise too_late(request)
        message = Message.objects.create(request=request, author=by, from_officer=from_officer, text=said)
        (notifications.asked if from_officer else notifications.answered)(request, message)
        record("question" if from_officer else "answer", request, by, address, {"text": said})
    return message


def _independence(by: User, request: CertificationRequest, house: Household) -> dict[str, bool]:
    """How independent the officer was, for the audit."""
    invited = independence.invited_by_owner(by, request.owner)
    return {"one_person": house.one_person, "invited_by_requester": invited}


def _decision(by: User) -> dict[str, Any]:
    return {"decided_by": by, "decided_at": timezone.now()}


def _only_owner(request: CertificationRequest, by: User) -> None:
    if by.pk != request.owner_id:
        raise Refused(_("This is somebody else's request."), _("Look under Your requests."))


def _only_officer(by: User) -> None:
    if not (by.is_officer and by.is_active):
        raise Refused(_("Only an officer can do this."), _("Ask your officer."))


def _text(text: str, limit: int) -> str:
    """What somebody wrote, without the blanks around it. Raises Refused when it is empty or too long."""
    text = text.strip()
    if not text:
        raise Refused(_("There is nothing in it."), _("Write a few words."))
    if len(text) > limit:
        raise Refused(
            _("This is longer than %(limit)d characters.") % {"limit": limit},
            _("Shorten it a little."),
        )
    return text
