"""Renewing one's own certificate: what stays and what changes, and then the way that it came."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.guards import me, requires
from accounts.models import Role
from enrollment import anew, renewing, replaced
from enrollment.models import CertificationRequest, Kind
from enrollment.views.device import HANDED
from pki.profiles import PROFILES
from portal import certificate_page as page
from portal.views.certificates import visible


@requires(Role.REQUESTER)
@require_http_methods(["GET", "HEAD", "POST"])
def renew(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Shows it; the button leads to the page that asks, which then says what it replaces."""
    certificate = visible(request, pk)
    if certificate.owner != str(me(request).pk):
        raise Http404
    asked = anew.successor_asked(certificate)
    if asked is not None:
        return redirect("enrollment:request", asked.pk)
    if not anew.may_be(certificate):
        messages.info(request, "It counts no more, so there is nothing to renew. Ask for a new one.")
        return redirect("certificates:one", pk)
    before = page.request_of(certificate)
    if request.method == "POST":
        anew.remember(request.session, certificate)
        request.session[HANDED] = {"device": before.device if before else certificate.subject}
        return redirect("enrollment:device" if _by_device(before) else "enrollment:submit")
    profile = PROFILES[certificate.profile]
    context = {
        "certificate": certificate,
        "profile": profile,
        "device": before.device if before else certificate.subject,
        "by_device": _by_device(before),
        "until": timezone.now() + timedelta(days=profile.default_days),
        "days": replaced.AFTER.days,
        "by_itself": certificate.pk in renewing.renewable([certificate]),
        "check_url": settings.CHECK_URL,
    }
    return render(request, "certificates/renew.html", context)


def _by_device(before: CertificationRequest | None) -> bool:
    """Whether the device in one's hand made the key, in a page or by a profile."""
    if before is None:
        return False
    return before.made_in_browser or before.kind == Kind.DEVICE or _renewed_by_hand(before)


def _renewed_by_hand(before: CertificationRequest) -> bool:
    """At the check face, that is, and not by a program."""
    return before.renewed_in_browser or bool(before.kind == Kind.RENEWAL and before.challenge_sha256)
