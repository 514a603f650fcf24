"""Officers ask the owners of many certificates to renew them: shown beforehand, and what came of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from enrollment import replaced, urging
from portal import certificate_lists as lists
from portal.views.revoking import METHODS, chosen_by


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def urge(request: HttpRequest) -> HttpResponse:
    """The preview; confirmed, one message to each owner. No code: nothing is decided."""
    chosen = chosen_by(request)
    if not chosen:
        messages.warning(request, _("Choose at least one certificate."))
        return redirect("certificates:list")
    plans = [urging.plan(found, me(request)) for found in chosen]
    able = [plan for plan in plans if not plan.why]
    asked, done = [], request.method == "POST" and "confirmed" in request.POST
    if done:
        asked = urging.ask(able, by=me(request), address=address_of(request))
    context = {
        "able": able,
        "asked": asked,
        "left": [plan for plan in plans if plan.why],
        "late": [plan for plan in able if done and plan not in asked],
        "owners": len({plan.certificate.owner for plan in (asked if done else able)}),
        "days": replaced.AFTER.days,
        "own_service": lists.OWN,
        "back": reverse("certificates:one", args=[chosen[0].pk]) if len(chosen) == 1 else "",
    }
    return render(request, f"certificates/{'urged' if done else 'urge'}.html", context)
