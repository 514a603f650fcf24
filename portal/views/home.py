"""The first page."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import factors
from accounts.guards import me, requires
from accounts.models import Role, User
from door import pins
from enrollment import listing, states, urging
from enrollment.models import CertificationRequest
from enrollment.states import State
from portal import first_evening, health

SHOWN = 5  # of one's own requests
CARES = frozenset(
    {Role.OFFICER.value, Role.ADMINISTRATOR.value, Role.AUDITOR.value}
)  # about what is not well


@dataclass(frozen=True)
class Row:
    """One of one's own requests."""

    id: UUID
    device: str
    state: State
    created_at: datetime


@require_safe
@requires()
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me: my requests, my doors, the queue for officers, and what is not well."""
    user = me(request)
    waiting = listing.waiting_count() if user.is_officer else "0"
    context: dict[str, object] = {
        "mine": _mine(user) if user.is_requester else [],
        "wanted": urging.wanted(user) if user.is_requester else [],
        "waiting": "" if waiting == "0" else waiting,
        "problems": _problems(user),
        "door_url": settings.DOOR_URL,
        "check_url": settings.CHECK_URL,
        "urged": factors.urged(user),
    }
    return render(request, "portal/home.html", context | _evening(user))


def _evening(user: User) -> dict[str, object]:
    """How far the first evening has come, for administrators until everything is there."""
    if not user.is_administrator:
        return {}
    found = first_evening.steps()
    skipped = sum(step.state == first_evening.SKIPPED for step in found)
    return {"steps": found, "ahead": first_evening.next_of(found), "skipped": skipped}


def _problems(user: User) -> list[str]:
    """What is not well, for those who care; and for officers who typed too many wrong PINs."""
    found = list(health.problems_at_a_glance()) if user.roles & CARES else []
    return found + (pins.alarms() if user.is_officer else [])


def _mine(user: User) -> list[Row]:
    own = CertificationRequest.objects.filter(owner=user).select_related("certificate")
    latest = states.with_question(own.defer("csr", "certificate__der")).order_by("-created_at", "-id")
    return [Row(found.pk, found.device, states.of(found), found.created_at) for found in latest[:SHOWN]]
