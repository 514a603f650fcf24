"""The registration authority: who may have what. The only code that changes a request's status.

Each transition is one function: a compare-and-swap UPDATE and its audit line, in one transaction.
Of several who try at once, one succeeds and the others are told what happened meanwhile. The signer is only
ever asked outside a transaction.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import household, independence
from accounts.models import Household, User
from audit import trail
from enrollment import history, proposals
from enrollment.models import TRANSITIONS, CertificationRequest, Message, Status
from enrollment.refusals import Refused as Refused  # ra.Refused: what every caller catches
from pki import issuance, revocation
from pki.csr import ParsedCSR
from pki.errors import IssuanceRefused, PkiError, SignerUnavailable
from pki.models import Certificate
from pki.profiles import PROFILES
from pki.signer.protocol import CsrEvidence, IssuanceRequest

LAPSES_AFTER = timedelta(days=30)
AT_A_TIME = 200  # requests one housekeeping round takes on
MAX_TEXT = 1000  # characters
NO_SIGNER = "The CA does not answer at present. The approval stands; it is issued as soon as the CA is back."


def submit(
    *, by: User, address: str, csr: ParsedCSR, profile: str, device: str, note: str = "", sans: list[str]
) -> CertificationRequest:
    """A new request, PENDING. `sans` as people type them, confirmed by the requester. Raises Refused."""
    chosen = PROFILES[profile]
    confirmed = proposals.checked_sans(chosen, sans)
    history.refuse_used_key(csr.key_sha256, by)
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
        common_name=proposals.common_name(by, chosen, device, confirmed),
        sans=list(confirmed),
        days=chosen.default_days,
    )
    history.refuse_taken_name(chosen, request.common_name, by)
    try:
        with transaction.atomic():
            request.save(force_insert=True)
            detail = {"profile": profile, "common_name": request.common_name, "key": csr.key_sha256}
            _record("submitted", request, by, address, detail)
    except IntegrityError as error:  # the same key, sent twice at the same moment
        history.refuse_used_key(csr.key_sha256, by)
        raise Refused("This request arrived twice at once.", "Look under Your requests.") from error
    return request


def withdraw(*, request: CertificationRequest, by: User, address: str) -> CertificationRequest:
    """PENDING -> WITHDRAWN, by its owner."""
    _only_owner(request, by)
    with transaction.atomic():
        _move(request, Status.PENDING, Status.WITHDRAWN)
        _record("withdrawn", request, by, address)
    return request


def ask(*, request: CertificationRequest, by: User, address: str, text: str) -> Message:
    """An officer's question; the request stays PENDING."""
    _only_officer(by)
    return _say(request, by, address, text, from_officer=True)


def answer(*, request: CertificationRequest, by: User, address: str, text: str) -> Message:
    """The owner's answer to an open question."""
    _only_owner(request, by)
    if not question_open(request):
        raise Refused("There is no open question.", "Your answer may have arrived already: reload the page.")
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

    Comes back ISSUED; APPROVED with `trouble` when the signer is down; REJECTED when the signer refuses.
    """
    _only_officer(by)
    if not request.owner.is_active:
        raise Refused(
            f"The account of {request.owner.both_names} is closed.",
            "Refuse the request, or open the account again.",
        )
    house = household.current()
    try:
        independence.may_decide_for(by, request.owner, house)
    except independence.NotIndependent as error:
        raise Refused(error.sentence, error.remedy) from error
    profile = PROFILES[request.profile]
    typed = [proposals.shown(san) for san in request.sans] if sans is None else sans
    names = proposals.checked_sans(profile, typed)
    pinned = {
        "organization": house.name,
        "common_name": proposals.checked_name(profile, common_name or request.common_name, names),
        "sans": list(names),
        "days": proposals.checked_days(profile, request.days if days is None else days),
        "profile_digest": profile.digest,
    }
    history.refuse_taken_name(profile, str(pinned["common_name"]), request.owner)
    with transaction.atomic():
        _move(
            request, Status.PENDING, Status.APPROVED, **_decision(by), one_person=house.one_person, **pinned
        )
        _record("approved", request, by, address, {**pinned, **_independence(by, request, house)})
    return issue(request=request)


def reject(*, request: CertificationRequest, by: User, address: str, reason: str) -> CertificationRequest:
    """PENDING -> REJECTED with a reason the requester reads. The same key may be submitted again."""
    _only_officer(by)
    house = household.current()
    if by.pk == request.owner_id and not house.one_person:
        raise Refused("This is your own request.", "Withdraw it instead, or ask another officer.")
    why = _text(reason, "reason", MAX_TEXT)
    with transaction.atomic():
        _move(
            request, Status.PENDING, Status.REJECTED, **_decision(by), one_person=house.one_person, reason=why
        )
        _record("rejected", request, by, address, {"reason": why})
    return request


def issue(*, request: CertificationRequest) -> CertificationRequest:
    """APPROVED -> ISSUED through the signer. May be repeated; the same certificate comes out."""
    if request.status != Status.APPROVED:
        return request
    try:
        issuance.issue(_order(request), also=lambda certificate: _issued(request, certificate))
    except SignerUnavailable:
        CertificationRequest.objects.filter(pk=request.pk, status=Status.APPROVED).update(trouble=NO_SIGNER)
        request.refresh_from_db()
    except IssuanceRefused as error:
        _refused_by_signer(request, error)
    except Refused:  # noted by whoever asked at the same time: the certificate is the same
        request.refresh_from_db()
    return request


def issue_waiting() -> int:
    """Ask the signer again for what is approved, oldest first; how many it issued. Stops when it is down."""
    waiting = CertificationRequest.objects.filter(status=Status.APPROVED).order_by("created_at", "id")
    issued = 0
    for request in waiting[:AT_A_TIME]:
        if issue(request=request).status == Status.APPROVED:
            break
        issued += request.status == Status.ISSUED
    return issued


def lapse_overdue() -> int:
    """PENDING for longer than 30 days -> LAPSED; how many."""
    overdue = CertificationRequest.objects.filter(
        status=Status.PENDING, created_at__lt=timezone.now() - LAPSES_AFTER
    )
    lapsed = 0
    for request in overdue.defer("csr").order_by("created_at", "id")[:AT_A_TIME]:
        try:
            with transaction.atomic():
                _move(request, Status.PENDING, Status.LAPSED)
                _record("lapsed", request, None, "")
        except Refused:  # decided at this very moment
            continue
        lapsed += 1
    return lapsed


def revoke(*, request: CertificationRequest, by: User, address: str, reason: str) -> Certificate:
    """Revoke the certificate of `request`, by its owner or an officer. `reason` is one of pki's REASONS."""
    if by.pk != request.owner_id and not by.is_officer:
        raise Refused("Only its owner or an officer can revoke this certificate.", "Ask your officer.")
    if request.certificate is None:
        raise Refused("Nothing was issued for this request, so there is nothing to revoke.")
    if reason not in revocation.REASONS:
        raise Refused("Choose why it is revoked.", "If nothing fits, take the first one.")
    try:
        return revocation.revoke(request.certificate, reason, by=by.username, address=address)
    except PkiError as error:
        raise Refused(str(error), error.remedy or "Try again in a minute; it is not revoked yet.") from error


def _move(request: CertificationRequest, source: Status, target: Status, **fields: object) -> None:
    """Compare and swap: only if the row still stands at `source`. Raises Refused when somebody was faster."""
    if target not in TRANSITIONS[source]:
        raise ValueError(f"There is no way from {source} to {target}.")
    changes = {"status": target, "changed_at": timezone.now(), **fields}
    if CertificationRequest.objects.filter(pk=request.pk, status=source).update(**changes) != 1:
        raise _too_late(request)
    for name, value in changes.items():  # all else in the row never changes
        setattr(request, name, value)


def _too_late(request: CertificationRequest) -> Refused:
    now = CertificationRequest.objects.only("status").get(pk=request.pk)
    return Refused(
        f"This request is no longer waiting: {now.get_status_display()}.", "Reload the page to see it."
    )


def _say(request: CertificationRequest, by: User, address: str, text: str, *, from_officer: bool) -> Message:
    said = _text(text, "text", MAX_TEXT)
    with transaction.atomic():
        # The UPDATE holds the row, so that nothing is asked about what was decided at the same moment.
        open_still = CertificationRequest.objects.filter(pk=request.pk, status=Status.PENDING)
        if open_still.update(changed_at=timezone.now()) != 1:
            raise _too_late(request)
        message = Message.objects.create(request=request, author=by, from_officer=from_officer, text=said)
        _record("question" if from_officer else "answer", request, by, address, {"text": said})
    return message


def _refused_by_signer(request: CertificationRequest, error: IssuanceRefused) -> None:
    reason = f"The CA refused to sign: {error} {error.remedy}".strip()[:MAX_TEXT]
    try:
        with transaction.atomic():
            _move(request, Status.APPROVED, Status.REJECTED, reason=reason, trouble="")
            _record("rejected", request, None, "", {"reason": reason, "code": error.code})
    except Refused:  # somebody else asked at the same time and noted it already
        request.refresh_from_db()


def _issued(request: CertificationRequest, certificate: Certificate) -> None:
    """In the transaction that stores the certificate. Raises Refused when it was noted already."""
    _move(request, Status.APPROVED, Status.ISSUED, certificate=certificate, trouble="")
    detail = {"certificate": str(certificate.pk), "serial": certificate.serial}
    _record("issued", request, None, "", {**detail, "authority": certificate.authority})


def _order(request: CertificationRequest) -> IssuanceRequest:
    """What the signer is asked for: only pinned columns, so that a repetition says the same."""
    if request.decided_by_id is None or request.decided_at is None:
        raise ValueError("An approved request has somebody who approved it.")
    return IssuanceRequest(
        request_id=str(request.pk),
        profile=request.profile,
        profile_digest=request.profile_digest,
        organization=request.organization,
        common_name=request.common_name,
        sans=tuple(request.sans),
        days=request.days,
        owner=str(request.owner_id),
        csr=bytes(request.csr),
        evidence=CsrEvidence(
            csr_sha256=request.csr_sha256,
            requester=str(request.owner_id),
            approver=str(request.decided_by_id),
            at=request.decided_at.astimezone(UTC).isoformat(),
            one_person=request.one_person,
        ),
    )


def _independence(by: User, request: CertificationRequest, house: Household) -> dict[str, bool]:
    """How independent the officer was, for the audit."""
    invited = independence.invited_by_owner(by, request.owner)
    return {"one_person": house.one_person, "invited_by_requester": invited}


def _decision(by: User) -> dict[str, User | datetime]:
    return {"decided_by": by, "decided_at": timezone.now()}


def _only_owner(request: CertificationRequest, by: User) -> None:
    if by.pk != request.owner_id:
        raise Refused("This is somebody else's request.")


def _only_officer(by: User) -> None:
    if not (by.is_officer and by.is_active):
        raise Refused("Only an officer can do this.")


def _text(text: str, what: str, limit: int) -> str:
    """What somebody wrote, without the blanks around it. Raises Refused when it is empty or too long."""
    text = text.strip()
    if not text:
        raise Refused(f"The {what} is empty.", "Write a few words.")
    if len(text) > limit:
        raise Refused(f"The {what} is longer than {limit} characters.", "Shorten it a little.")
    return text


def _record(
    what: str,
    request: CertificationRequest,
    by: User | None,
    address: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    actor = by.username if by else ""
    named = {"common_name": request.common_name, **(detail or {})}
    trail.record(f"request.{what}", actor=actor, address=address, target=str(request.pk), detail=named)
