"""How a request goes from one status to the next: a compare-and-swap UPDATE with its audit line."""

from collections.abc import Mapping

from django.db.models import Q
from django.utils import timezone

from accounts import outbox
from accounts.models import User
from audit import trail
from enrollment.models import TRANSITIONS, CertificationRequest, Status
from enrollment.refusals import Refused

EVERYWHERE = Q()


def move(
    request: CertificationRequest, source: Status, target: Status, *, where: Q = EVERYWHERE, **fields: object
) -> None:
    """Compare and swap: only if the row still stands at `source`, and `where` holds for it.

    Raises Refused when somebody was faster.
    """
    if target not in TRANSITIONS[source]:
        raise ValueError(f"There is no way from {source} to {target}.")
    changes = {"status": target, "changed_at": timezone.now(), **fields}
    if CertificationRequest.objects.filter(where, pk=request.pk, status=source).update(**changes) != 1:
        raise too_late(request)
    if source == Status.PENDING:
        outbox.withdraw(waits_event(request), "It was decided meanwhile.")
    for name, value in changes.items():  # all else in the row never changes
        setattr(request, name, value)


def waits_event(request: CertificationRequest) -> str:
    """Under which officers are told that it waits (accounts/outbox.py)."""
    return f"request {request.pk} waits"


def too_late(request: CertificationRequest) -> Refused:
    """What to tell whoever was not the first."""
    now = CertificationRequest.objects.only("status").get(pk=request.pk)
    return Refused(
        f"This request is no longer waiting: {now.get_status_display()}.", "Reload the page to see it."
    )


def record(
    what: str,
    request: CertificationRequest,
    by: User | None,
    address: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """The audit line `request.<what>`, in the caller's transaction."""
    actor = by.username if by else ""
    named = {"common_name": request.common_name, **(detail or {})}
    trail.record(f"request.{what}", actor=actor, address=address, target=str(request.pk), detail=named)
