"""Inviting many: the list, the look before it counts, and the sheet of links that is shown for an hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import boxes, cells, household, links, names, qr, together
from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import Invitation, InvitationGroup, Role
from accounts.together_forms import AnewForm, TogetherForm
from accounts.views import people
from audit import trail

SECONDS = 3600  # that a sheet is shown; the session's idle limit ends it earlier
_invites = requires(Role.OFFICER, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Card:
    """What one person gets: the link in two parts, a QR code, and a `letter` in plain text.

    `mailto` is empty without an e-mail address.
    """

    invitation: Invitation
    front: str
    token: str
    picture: SafeString
    letter: str
    mailto: str


@_invites
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """First the list, then what would be made of it, then with a fresh code the links."""
    form = TogetherForm(request, posted(request), request.FILES if request.method == "POST" else None)
    valid = form.is_valid()
    if made := _made_already(
        request
    ):  # only now: what another tab sent meanwhile is what the form calls taken
        return redirect("accounts:links", made.pk)
    if not valid or "change" in request.POST:
        return render(request, "accounts/together.html", {"form": form}, status=400 if form.errors else 200)
    confirmed = posted(request) if "confirmed" in request.POST else None
    code = FreshFactorForm(request, confirmed)
    if code.is_valid():
        try:
            return _make(request, form)
        except Refused as refused:
            code.add_error(None, str(refused))
    context = {"form": code, "list": form}
    return render(request, "accounts/together_check.html", context, status=400 if code.errors else 200)


def _made_already(request: HttpRequest) -> InvitationGroup | None:
    """What this very form made when it was sent before: it makes nothing twice."""
    try:
        return together.made_by_form(UUID(request.POST.get("once", "")), me(request))
    except ValueError:
        return None


def _make(request: HttpRequest, form: TogetherForm) -> HttpResponse:
    given = form.cleaned_data
    try:
        group, tokens = together.invite(
            me(request),
            name=given["name"],
            entries=form.entries,
            hours=given["hours"],
            once=given["once"],
            address=address_of(request),
        )
    except IntegrityError:  # the same form at the same moment
        made = _made_already(request)
        if made is None:
            raise Refused(_("A part of this page belongs to somebody else."), _("Open it anew.")) from None
        return redirect("accounts:links", made.pk)
    return _show(request, group, tokens)


def _show(request: HttpRequest, group: InvitationGroup, tokens: together.Tokens) -> HttpResponse:
    """Put the links beside those of the group that are shown already."""
    boxes.put(request, _box(group), {**_tokens(request, group), **tokens})
    return redirect("accounts:links", group.pk)


@_invites
@require_safe
def sheet(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A card for each link made in this session: to print, to send, to copy."""
    group = get_object_or_404(InvitationGroup, pk=pk)
    cards = list(_cards(request, group))
    if not cards:
        messages.info(
            request, _("Links are shown for an hour, as only their digests are kept. Make new ones here.")
        )
        return redirect("enrollment:progress-group", group.pk)
    return render(request, "accounts/sheet.html", {"group": group, "cards": cards})


@_invites
@require_safe
def sheet_csv(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same as a file for a mail merge; nothing in it runs as a formula."""
    group = get_object_or_404(InvitationGroup, pk=pk)
    found = [(one.full_name, one.email, url) for one, url in _links(request, group)]
    if not found:
        return redirect("accounts:links", group.pk)
    actor, address = me(request).username, address_of(request)
    detail = {"people": len(found)}
    trail.record("person.links-exported", actor=actor, address=address, target=group.name, detail=detail)
    rows = (cells.line(map(_cell, row)) for row in found)
    headers = {"Content-Disposition": 'attachment; filename="links.csv"'}
    # The mark makes Excel read UTF-8; our own list of people takes it too.
    text = "\ufeff" + cells.line(("name", "e-mail", "link")) + "".join(rows)
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@_invites
@require_POST
def forget(request: HttpRequest, pk: UUID) -> HttpResponse:
    """They are printed or sent: nobody who finds this browser open shall see them."""
    group = get_object_or_404(InvitationGroup, pk=pk)
    boxes.drop(request, _box(group))
    return redirect("enrollment:progress-group", group.pk)


@_invites
@require_http_methods(["GET", "HEAD", "POST"])
def anew(request: HttpRequest, pk: UUID) -> HttpResponse:
    """New links for all of a group who have not joined."""
    group = get_object_or_404(InvitationGroup, pk=pk)
    form = AnewForm(request, posted(request))
    wanted = together.replaceable(me(request), group)
    if form.is_valid():
        try:
            hours = form.cleaned_data["hours"]
            tokens = together.renew(me(request), wanted, hours=hours, address=address_of(request))
            return _show(request, group, tokens)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "group": group, "count": wanted.count()}
    return render(request, "accounts/anew.html", context, status=400 if form.errors else 200)


@_invites
@require_http_methods(["GET", "HEAD", "POST"])
def anew_one(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new link for one person who has not joined; or to withdraw it."""
    mine = Invitation.objects.filter(pk=pk)
    found = get_object_or_404(together.not_joined(mine.select_related("group")))
    form = AnewForm(request, posted(request))
    if form.is_valid():
        hours = form.cleaned_data["hours"]
        try:
            tokens = together.renew(me(request), mine, hours=hours, address=address_of(request))
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            if found.group:
                return _show(request, found.group, tokens)
            return people.show_once(request, tokens[str(pk)], found.full_name, hours=hours)
    context = {"form": form, "group": found.group, "person": found, "count": 1}
    return render(request, "accounts/anew.html", context, status=400 if form.errors else 200)


def _cards(request: HttpRequest, group: InvitationGroup) -> Iterator[Card]:
    house = household.current().name
    for invitation, url in _links(request, group):
        front, slash, token = url.rpartition("/")
        letter = links.letter(invitation.full_name, house, url, invitation.lapses_at)
        mailto = links.mailto(
            invitation.email, _("Your link to %(household)s") % {"household": house}, letter
        )
        yield Card(invitation, front + slash, token, qr.svg(url, mask=2), letter, mailto)


def _links(request: HttpRequest, group: InvitationGroup) -> Iterator[tuple[Invitation, str]]:
    for invitation, token in together.living(group, _tokens(request, group)):
        yield invitation, links.address(request, token)


def _tokens(request: HttpRequest, group: InvitationGroup) -> dict[str, Any]:
    return boxes.get(request, _box(group), ttl=SECONDS) or {}


def _box(group: InvitationGroup) -> str:
    return f"links {group.pk}"


def _cell(text: str) -> str:
    return cells.harmless(names.printable(text, 400))
