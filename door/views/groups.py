"""Groups of people who may the same."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import Role
from door import groups
from door.forms import GroupForm
from door.models import Group, Rule
from door.views.manage import METHODS
from door.words import describe


@requires(Role.OFFICER)
@require_safe
def group_list(request: HttpRequest) -> HttpResponse:
    found = Group.objects.annotate(
        people=Count("members", distinct=True), uses=Count("rules", distinct=True)
    ).order_by("name")
    return render(request, "door/portal/groups.html", {"groups": found})


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def new(request: HttpRequest) -> HttpResponse:
    form = GroupForm(request, posted(request))
    if form.is_valid():
        try:
            groups.create(
                form.cleaned_data["name"], form.chosen(), by=me(request), address=address_of(request)
            )
            messages.success(request, _("The group is there. Rules of a door can name it now."))
            return redirect("doors:groups")
        except Refused as refused:
            form.add_error(None, str(refused))
    return render(request, "door/portal/group.html", {"form": form}, status=422 if form.errors else 200)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    group = get_object_or_404(Group, pk=pk)
    form = GroupForm(request, posted(request), group=group)
    if form.is_valid():
        try:
            groups.change(
                group, form.cleaned_data["name"], form.chosen(), by=me(request), address=address_of(request)
            )
            messages.success(request, _("Saved. It holds from the next press on."))
            return redirect("doors:groups")
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "group": group, "uses": _uses(group)}
    return render(request, "door/portal/group.html", context, status=422 if form.errors else 200)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Says which rules go with it and asks once, with a fresh code."""
    group = get_object_or_404(Group, pk=pk)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            groups.remove(group, by=me(request), address=address_of(request))
            messages.success(request, _("%(group)s is removed.") % {"group": group.name})
            return redirect("doors:groups")
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "group": group, "uses": _uses(group)}
    return render(request, "door/portal/group_remove.html", context, status=422 if form.errors else 200)


def _uses(group: Group) -> list[tuple[Rule, str]]:
    """The rules that name it, in words; those of retired doors open nothing any more."""
    rules = group.rules.filter(door__retired_at=None).select_related("door", "group", "person")
    return [(rule, describe(rule)) for rule in rules.order_by("door__name")]
