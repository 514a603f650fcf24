"""The others: who is here, who may do what, whose link is still open."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import asking_back, boxes, invitations, links, people, qr, signins, together
from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.forms import InviteForm, RolesForm
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import Invitation, Role, User

_LINK = "new link"


@requires(Role.OFFICER, Role.ADMINISTRATOR)
def people_list(request: HttpRequest) -> HttpResponse:
    everybody = User.objects.select_related("invited_by").order_by("-is_active", "full_name", "username")
    wanted = request.GET.get("q", "").replace("\0", "").strip()[:100]
    if wanted:
        everybody = everybody.filter(Q(full_name__icontains=wanted) | Q(username__icontains=wanted))
    waiting = [(link, invitations.may_change(me(request), link)) for link in invitations.waiting()]
    context = {"people": everybody[:500], "waiting": waiting, "wanted": wanted, "groups": together.groups()}
    context["asking"] = asking_back.waiting(me(request))
    return render(request, "accounts/people.html", context)


@requires(Role.OFFICER, Role.ADMINISTRATOR)
def person(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One person. Administrators change roles here; verbs below have pages of their own."""
    found = get_object_or_404(User.objects.select_related("invited_by", "reset_by"), pk=pk)
    by = me(request)
    form = None
    if by.is_administrator and by.pk != found.pk:
        form = RolesForm(request, posted(request), initial={"roles": sorted(found.roles)})
    if form and form.is_valid():
        try:
            roles = frozenset(form.cleaned_data["roles"])
            people.change_roles(found, roles, by=by, address=address_of(request))
            messages.success(request, _("%(name)s has new roles.") % {"name": found.both_names})
            return redirect("accounts:person", found.pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    context: dict[str, object] = {"person": found, "form": form, "may_reset": people.may_reset(by, found)}
    context |= {"asked": asking_back.of(found), "sessions": signins.of(found).count()}
    return render(request, "accounts/person.html", context, status=400 if form and form.errors else 200)


@requires(Role.ADMINISTRATOR)
def person_active(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Deactivate, or let in again, with a fresh code."""
    found = get_object_or_404(User, pk=pk)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            people.set_active(found, not found.is_active, by=me(request), address=address_of(request))
            return redirect("accounts:person", found.pk)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"person": found, "form": form}
    return render(request, "accounts/person_active.html", context, status=400 if form.errors else 200)


@requires(Role.OFFICER, Role.ADMINISTRATOR)
def person_reset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A link with which this person sets a new password and app."""
    found = get_object_or_404(User, pk=pk)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            token = invitations.make(me(request), account=found, hours=24, address=address_of(request))
            return show_once(request, token, found.both_names, hours=24)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"person": found, "form": form, "may_reset": people.may_reset(me(request), found)}
    return render(request, "accounts/person_reset.html", context, status=400 if form.errors else 200)


@requires(Role.OFFICER, Role.ADMINISTRATOR)
def invite(request: HttpRequest) -> HttpResponse:
    form = InviteForm(request, posted(request))
    if form.is_valid():
        name, hours = form.cleaned_data["full_name"], form.cleaned_data["hours"]
        try:
            token = invitations.make(
                me(request), roles=form.chosen(), full_name=name, hours=hours, address=address_of(request)
            )
            return show_once(request, token, name, hours=hours)
        except Refused as refused:
            form.add_error(None, str(refused))
    return render(request, "accounts/invite.html", {"form": form}, status=400 if form.errors else 200)


@requires(Role.OFFICER, Role.ADMINISTRATOR)
def link(request: HttpRequest) -> HttpResponse:
    """The new link and its QR code: shown once, as only its digest is kept."""
    shown = boxes.get(request, _LINK, ttl=900)
    boxes.drop(request, _LINK)
    if shown is None:
        messages.info(request, _("A link is shown once. If it is lost, withdraw it here and make a new one."))
        return redirect("accounts:people")
    return render(request, "accounts/link.html", {**shown, "qr": qr.svg(shown["url"])})


@require_POST
@requires(Role.OFFICER, Role.ADMINISTRATOR)
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Invitation.objects.select_related("account"), pk=pk)
    try:
        invitations.withdraw(found, by=me(request), address=address_of(request))
        messages.success(request, _("The link is withdrawn; it opens nothing any more."))
    except Refused as refused:
        messages.error(request, str(refused))
    if found.group_id:
        return redirect("enrollment:progress-group", found.group_id)
    return redirect("accounts:people")


def show_once(request: HttpRequest, token: str, name: str, *, hours: int) -> HttpResponse:
    """Keep the link for the next page, which shows it once."""
    boxes.put(request, _LINK, {"url": links.address(request, token), "name": name, "hours": hours})
    return redirect("accounts:link")
