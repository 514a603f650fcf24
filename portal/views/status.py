"""Is all well? For people, for monitors, for Prometheus."""

import ipaddress
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.http import require_safe

from accounts.guards import requires
from accounts.models import Household, Role
from portal import health, housekeeping, metering

PLAIN = "text/plain; charset=utf-8"
_BY_PROXY = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")


@require_safe
@requires(Role.OFFICER, Role.AUDITOR, Role.ADMINISTRATOR)
def status(request: HttpRequest) -> HttpResponse:
    """Every part of Latchkey with one word, and what to do where one is not well."""
    facts = health.facts()
    context = {
        "troubles": [fact for fact in facts if not fact.well],
        "well": [fact for fact in facts if fact.well],
        "duties": list(_duties()),
    }
    return render(request, "portal/status.html", context)


def _duties() -> Iterator[tuple[str, datetime | None, datetime | None]]:
    """Each step of housekeeping: its name, when it last ran, when it is due again."""
    times = housekeeping.ran()
    for step in housekeeping.STEPS:
        at = times.get(step.name)
        yield step.name, at, at + timedelta(seconds=step.every) if at else None


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when the portal can serve: database and templates answer. A signer that is down only delays."""
    try:
        Household.objects.exists()
        get_template("base.html")
    except (DatabaseError, OSError):
        return HttpResponse("the database does not answer\n", status=503, content_type=PLAIN)
    signer = "up" if health.signer_listens() else "down"
    return HttpResponse(f"ok\nsigner {signer}\n", content_type=PLAIN)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for this machine itself or with the token of <data>/web/metrics-token."""
    if not (_from_here(request) or _has_token(request)):
        raise Http404
    return HttpResponse(metering.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _from_here(request: HttpRequest) -> bool:
    """A proxy on this machine is not who asks; it passes on what strangers ask."""
    if any(name in request.headers for name in _BY_PROXY):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    return secrets.compare_digest(given, settings.METRICS_TOKEN.encode())
