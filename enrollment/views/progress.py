"""How far everybody is, or a group that was invited together; and what one phone tells about itself."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts import household, invitations, links, together
from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import InvitationGroup, Role
from enrollment import installed as noted
from enrollment import progress
from enrollment.models import CertificationRequest, Status
from enrollment.progress import Row

# Stage -> what to write to somebody who stays there; {url} is where it goes on.
REMINDERS = {
    "joined": (
        "enrollment:device",
        gettext_lazy("Open this address on your phone to put a certificate on it"),
    ),
    "approved": (
        "enrollment:requests",
        gettext_lazy("Your certificate is approved. Open this address on your phone to finish"),
    ),
    "installed": ("", gettext_lazy("Open this address on your phone: it says whether the certificate works")),
}


@requires(Role.OFFICER, Role.ADMINISTRATOR)
@require_safe
def everybody(request: HttpRequest) -> HttpResponse:
    return _page(request, None)


@requires(Role.OFFICER, Role.ADMINISTRATOR)
@require_safe
def group(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _page(request, get_object_or_404(InvitationGroup.objects.select_related("made_by"), pk=pk))


@requires(Role.REQUESTER)
@require_POST
def installed(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page that joined key and certificate says that its owner has installed them, and nothing else."""
    own = CertificationRequest.objects.filter(owner=me(request), status=Status.ISSUED).defer("csr")
    noted.note(get_object_or_404(own, pk=pk), by=me(request), address=address_of(request))
    return HttpResponse(status=204)


def _page(request: HttpRequest, found: InvitationGroup | None) -> HttpResponse:
    by, house = me(request), household.current().name
    page, counts = progress.page(found, request.GET), progress.counts(found)
    rows = [
        (
            row,
            bool(row.invitation and invitations.may_change(by, row.invitation)),
            _reminder(request, row, house),
        )
        for row in page.rows
    ]
    context = {
        "group": found,
        "groups": () if found else together.groups(),
        "page": page,
        "rows": rows,
        "counts": [(stage, progress.STAGES[stage], count) for stage, count in counts.items()],
        "all": sum(counts.values()),
        "done": counts["seen"],
        "not_joined": counts["invited"] + counts["lapsed"],
    }
    return render(request, "enrollment/progress.html", context)


def _reminder(request: HttpRequest, row: Row, house: str) -> str:
    """A mailto address, or "" where nobody is to be reminded or can be."""
    if row.stage not in REMINDERS or not row.email:
        return ""
    where, what = REMINDERS[row.stage]
    url = links.reached(request, reverse(where)) if where else settings.CHECK_URL
    name = row.person.full_name if row.person else row.name
    return links.mailto(
        row.email,
        _("Your phone and %(household)s") % {"household": house},
        _("Hello %(name)s,\n\n%(what)s:\n%(url)s\n") % {"name": name, "what": what, "url": url},
    )
