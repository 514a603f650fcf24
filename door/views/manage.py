"""Doors in the portal: the list, a new one, other values, the end."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import Role
from door import manage, pins, policy
from door.forms import DoorForm
from door.models import Door, PinUse
from door.policy import Access, Opening

METHODS = ["GET", "HEAD", "POST"]


@dataclass(frozen=True)
class Row:
    """One door as officers see it."""

    door: Door
    access: Access
    shown: bool  # to people: not so a practice door beside a broker


@require_safe
@requires()
def doors(request: HttpRequest) -> HttpResponse:
    """One's own doors, and when they open; for officers all doors, and who may open them now."""
    user, now = me(request), timezone.now()
    own = policy.openings(user, now)
    context: dict[str, object] = {"own": own, "pin_set": pins.has(user), "pin_asked": _pin_asked(own)}
    context["door_url"] = settings.DOOR_URL
    if user.is_officer:
        shown = set(policy.in_use().values_list("pk", flat=True))
        found = Door.objects.filter(retired_at=None).order_by("position", "name", "pk")
        context["rows"] = [Row(door, policy.who_may(door, now), door.pk in shown) for door in found]
        context["retired"] = Door.objects.exclude(retired_at=None).order_by("-retired_at")
        context["locks"] = pins.locks()
    return render(request, "door/portal/doors.html", context)


def _pin_asked(own: list[Opening]) -> bool:
    return any(opening.door.pin == PinUse.HERE for opening in own)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def new(request: HttpRequest) -> HttpResponse:
    form = DoorForm(request, posted(request))
    if form.is_valid():
        try:
            made = manage.create(form.values(), by=me(request), address=address_of(request))
            messages.success(
                request,
                _("%(name)s is there. Now say who may open it: until then nobody may.") % {"name": made.name},
            )
            return redirect("doors:door", made.slug)
        except Refused as refused:
            form.add_error(None, str(refused))
    return render(request, "door/portal/edit.html", {"form": form}, status=422 if form.errors else 200)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    door = in_use(slug)
    form = DoorForm(request, posted(request), door=door)
    if form.is_valid():
        try:
            manage.change(door, form.values(), by=me(request), address=address_of(request))
            messages.success(request, _("Saved. It holds from the next press on."))
            return redirect("doors:door", slug)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "door": door}
    return render(request, "door/portal/edit.html", context, status=422 if form.errors else 200)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Says what will happen and asks once, with a fresh code."""
    door = in_use(slug)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            manage.retire(door, by=me(request), address=address_of(request))
            messages.success(
                request, _("%(door)s is retired: nobody can press it any more.") % {"door": door.name}
            )
            return redirect("doors:list")
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "door": door}
    return render(request, "door/portal/retire.html", context, status=422 if form.errors else 200)


def in_use(slug: str) -> Door:
    """The door of this name, unless it is retired; or Http404."""
    return get_object_or_404(Door, slug=slug, retired_at=None)
