"""The first evening, a page a step. It can be left anywhere: what is there tells where to go on."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import household, invitations
from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.forms import InviteForm
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import Role, User
from accounts.views.people import show_once
from door import policy
from enrollment import kinds
from pki.errors import SignerUnavailable
from portal import errors, first_evening, network_names
from portal.first_evening import DONE, SETTLED, SKIPPED, Step
from portal.views import trust

ON_IT = "evening"  # in the session: somebody is at it, so that every page shows the way back
SAID = {"settle": SETTLED, "skip": SKIPPED, "resume": ""}
OFFICER = frozenset({Role.OFFICER.value, Role.REQUESTER.value})
HOURS = 72  # that the second officer's link is good for


@require_safe
@requires(Role.ADMINISTRATOR)
def evening(request: HttpRequest) -> HttpResponse:
    """How far it has come; when everything is there, what is left for another day."""
    found = first_evening.steps()
    ahead = first_evening.next_of(found)
    _be_on_it(request, ahead is not None)
    context = {
        "steps": found,
        "ahead": ahead,
        "complete": all(step.state == DONE for step in found),
        "door_url": settings.DOOR_URL,
        "data": settings.DATA,
    }
    return render(request, "portal/evening.html", context)


@requires(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, name: str) -> HttpResponse:
    """One step; sent, it is skipped, settled or taken up again."""
    found = first_evening.steps()
    here = _named(found, name)
    if request.method == "POST":
        return _said(request, here)
    return _page(request, found, here)


def _said(request: HttpRequest, here: Step) -> HttpResponse:
    word = request.POST.get("say", "")
    if word not in SAID or (word == "settle" and not here.may_settle):
        return redirect("portal:evening-step", here.name)
    first_evening.keep(here.name, SAID[word], by=me(request), address=address_of(request))
    if word == "resume":
        return redirect("portal:evening-step", here.name)
    ahead = first_evening.next_of(first_evening.steps(), here.name)
    return redirect("portal:evening-step", ahead.name) if ahead else redirect("portal:evening")


@requires(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def officer(request: HttpRequest) -> HttpResponse:
    """The second officer is invited on the page of that step."""
    if request.method != "POST":
        return redirect("portal:evening-step", "officer")
    if "alone" in request.POST:
        return _alone(request)
    form = _officer_form(request, posted(request))
    if form.is_valid():
        name = form.cleaned_data["full_name"]
        try:
            token = invitations.make(
                me(request), roles=OFFICER, full_name=name, hours=HOURS, address=address_of(request)
            )
            return show_once(request, token, name, hours=HOURS)
        except Refused as refused:
            form.add_error(None, str(refused))
    found = first_evening.steps()
    return _page(request, found, _named(found, "officer"), {"form": form}, status=400)


def _alone(request: HttpRequest) -> HttpResponse:
    """There is nobody else: the switch of the household's page, by one button."""
    form = _alone_form(request, posted(request))
    if form.is_valid():
        household.change({"one_person": True}, by=me(request), address=address_of(request))
        return redirect("portal:evening-step", "officer")
    found = first_evening.steps()
    return _page(request, found, _named(found, "officer"), {"alone": form}, status=400)


def _alone_form(request: HttpRequest, data: Any = None) -> FreshFactorForm:
    return FreshFactorForm(request, data, auto_id="alone_%s")


def _officer_form(request: HttpRequest, data: Any = None) -> InviteForm:
    form = InviteForm(request, data)
    for name in ("roles", "hours"):
        form.fields.pop(name, None)
    form.fields["full_name"].label = _("Who is the second officer?")
    return form


def _named(found: list[Step], name: str) -> Step:
    for one in found:
        if one.name == name and name != "account":
            return one
    raise Http404


def _page(
    request: HttpRequest,
    found: list[Step],
    here: Step,
    more: dict[str, object] | None = None,
    status: int = 200,
) -> HttpResponse:
    _be_on_it(request, True)
    try:
        facts = _OF_STEP[here.name](request)
    except SignerUnavailable as error:
        return errors.page(request, 503, _("This is not here yet"), str(error), error.remedy)
    ahead = first_evening.next_of([one for one in found if one != here], here.name)
    context = {
        "steps": found,
        "here": here,
        "number": found.index(here) + 1,
        "ahead": first_evening.next_of(found, here.name) if here.state == DONE else ahead,
        **facts,
        **(more or {}),
    }
    return render(request, f"portal/evening_{here.name}.html", context, status=status)


def _be_on_it(request: HttpRequest, on_it: bool) -> None:
    if request.session.get(ON_IT, False) != on_it:
        request.session[ON_IT] = on_it


def _names(request: HttpRequest) -> dict[str, object]:
    del request
    hosts = network_names.reached()
    return {
        "hosts": hosts,
        "portal": settings.PORTAL_URL,
        "door": settings.DOOR_URL,
        "status": settings.STATUS_URL,
        "line": network_names.line(network_names.PROPOSED),
        "proposed": network_names.PROPOSED,
    }


def _trust(request: HttpRequest) -> dict[str, object]:
    return {**trust.facts(), "system": trust.part_of(request)}


def _officer(request: HttpRequest) -> dict[str, object]:
    alone = household.current().one_person
    return {"form": _officer_form(request), "alone": _alone_form(request), "one_person": alone}


def _door(request: HttpRequest) -> dict[str, object]:
    del request
    found = policy.in_use().exclude(rules=None).first()
    return {"found": found, "broker": settings.BROKER is not None, "door_url": settings.DOOR_URL}


def _phone(request: HttpRequest) -> dict[str, object]:
    kind = kinds.of(request.headers.get("User-Agent", ""))
    others = User.objects.filter(is_active=True, is_officer=True).exclude(pk=me(request).pk)
    return {
        "small": kind.small,
        "door_url": settings.DOOR_URL,
        "check_url": settings.CHECK_URL,
        "requester": me(request).is_requester,
        "officers": list(others.order_by("created_at")[:3]),
    }


_OF_STEP: dict[str, Callable[[HttpRequest], dict[str, object]]] = {
    "names": _names,
    "trust": _trust,
    "officer": _officer,
    "door": _door,
    "phone": _phone,
}
