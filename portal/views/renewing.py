"""Renewing one's own certificate: what stays and what changes, and then the way that it came."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from enrollment import anew, ra, renewing, replaced, same_key
from enrollment.forms import sentence
from enrollment.models import CertificationRequest
from enrollment.views.device import HANDED
from pki.models import Certificate
from pki.profiles import PROFILES
from portal import certificate_page as page
from portal.views.certificates import visible

UNPROCESSABLE = 422


@requires(Role.REQUESTER)
@require_http_methods(["GET", "HEAD", "POST"])
def renew(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Shows it. One button leads to the page that asks, which then says what it replaces; the other asks at
    once, for the same key."""
    certificate = visible(request, pk)
    if certificate.owner != str(me(request).pk):
        raise Http404
    asked = anew.successor_asked(certificate)
    if asked is not None:
        return redirect("enrollment:request", asked.pk)
    if not anew.may_be(certificate):
        messages.info(request, _("It counts no more, so there is nothing to renew. Ask for a new one."))
        return redirect("certificates:one", pk)
    before = page.request_of(certificate)
    if request.method != "POST":
        return _page(request, certificate, before)
    if request.POST.get("key") == "same":
        return _with_the_same_key(request, certificate, before)
    anew.remember(request.session, certificate)
    request.session[HANDED] = {"device": before.device if before else certificate.subject}
    return redirect("enrollment:device" if anew.by_device(before) else "enrollment:submit")


def _with_the_same_key(
    request: HttpRequest, certificate: Certificate, before: CertificationRequest | None
) -> HttpResponse:
    try:
        made = same_key.ask(certificate, by=me(request), address=address_of(request))
    except ra.Refused as error:
        return _page(request, certificate, before, problem=sentence(error))
    return redirect("enrollment:request", made.pk)


def _page(
    request: HttpRequest,
    certificate: Certificate,
    before: CertificationRequest | None,
    problem: str = "",
) -> HttpResponse:
    profile = PROFILES[certificate.profile]
    context = {
        "certificate": certificate,
        "profile": profile,
        "device": before.device if before else certificate.subject,
        "by_device": anew.by_device(before),
        "same_key": same_key.possible(before),
        "key_since": page.key_since(certificate),
        "until": timezone.now() + timedelta(days=profile.default_days),
        "days": replaced.AFTER.days,
        "by_itself": certificate.pk in renewing.renewable([certificate]),
        "check_url": settings.CHECK_URL,
        "problem": problem,
    }
    return render(request, "certificates/renew.html", context, status=UNPROCESSABLE if problem else 200)
