"""The first page, and the one that explains words."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.guards import me, requires
from accounts.models import Role, User
from door import pins
from enrollment import listing, states, urging
from enrollment.models import CertificationRequest
from enrollment.states import State
from portal import health

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
    context = {
        "mine": _mine(user) if user.is_requester else [],
        "wanted": urging.wanted(user) if user.is_requester else [],
        "waiting": "" if waiting == "0" else waiting,
        "problems": _problems(user),
        "door_url": settings.DOOR_URL,
        "check_url": settings.CHECK_URL,
    }
    return render(request, "portal/home.html", context)


def _problems(user: User) -> list[str]:
    """What is not well, for those who care; and for officers who typed too many wrong PINs."""
    found = list(health.problems_at_a_glance()) if user.roles & CARES else []
    return found + (pins.alarms() if user.is_officer else [])


def _mine(user: User) -> list[Row]:
    own = CertificationRequest.objects.filter(owner=user).select_related("certificate")
    latest = states.with_question(own.defer("csr", "certificate__der")).order_by("-created_at", "-id")
    return [Row(found.pk, found.device, states.of(found), found.created_at) for found in latest[:SHOWN]]


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/help.html")


@require_safe
def help_devices(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/help_devices.html", {"check_url": settings.CHECK_URL})
