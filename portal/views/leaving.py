"""Somebody leaves: what will end, then one click with a fresh code, then what has ended and what has not."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.leaving import refuse_last
from accounts.models import Departure, Role, User
from portal import leaving

UNPROCESSABLE = 422


@requires(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The preview, and the click."""
    person = get_object_or_404(User, pk=pk)
    if Departure.objects.filter(user=person).exists():
        return redirect("portal:left", pk)
    last, form = _last(person), FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            leaving.leave(person, by=me(request), address=address_of(request))
            return redirect("portal:left", pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {
        "person": person,
        "lines": leaving.preview(person),
        "form": form,
        "last": last,
        "own": person.pk == me(request).pk,
    }
    return render(request, "portal/leaving.html", context, status=UNPROCESSABLE if form.errors else 200)


@requires(Role.ADMINISTRATOR)
@require_safe
def left(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Line by line; it can be looked at again at any time."""
    return _progress(request, pk, "portal/left.html")


@requires(Role.ADMINISTRATOR)
@require_safe
def left_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The fragment that the page asks for again while something is left."""
    return _progress(request, pk, "portal/_left.html")


def _progress(request: HttpRequest, pk: UUID, template: str) -> HttpResponse:
    departure = Departure.objects.select_related("user", "by").filter(user=pk).first()
    if departure is None:
        raise Http404
    context = {
        "departure": departure,
        "trouble": leaving.trouble_of(departure),
        "person": departure.user,
        "lines": leaving.progress(departure),
    }
    return render(request, template, context)


def _last(person: User) -> Refused | None:
    """Why this person cannot be spared yet."""
    try:
        refuse_last(person)
    except Refused as refused:
        return refused
    return None
