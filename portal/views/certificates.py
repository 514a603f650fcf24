"""Certificates: one's own, or everybody's for officers and auditors; what ends when; each by itself."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from cryptography import x509
from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts import cells
from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import User
from audit import trail
from enrollment import anew, revoking, seen, states, urging
from enrollment.models import PaperCode
from enrollment.views import downloads
from pki import catalogue, explained
from pki.catalogue import Wanted
from pki.models import Certificate
from pki.profiles import EVERY
from pki.revocation import HOLD
from pki.words import words
from portal import certificate_lists as lists
from portal import certificate_page as page
from portal import timeline as timelines

STATES = {
    "current": _("In use"),
    "live": _("Live"),
    "ending": _("Ends within 30 days"),
    "hold": _("On hold"),
    "revoked": _("Revoked"),
    "expired": _("Expired"),
    "any": _("Any"),
}
SORTS = {"end": _("By their end"), "issued": _("Newest first"), "name": _("By name")}
WHOSE = {"all": _("Everybody’s"), "mine": _("Mine")}
DAY = {"type": "date"}
LONGEST_SEARCH = 150  # characters
TOO_LONG = _(
    "This is longer than %(limit_value)d characters, so nothing was searched for: everything else that you "
    "chose is shown. Shorten it, a few words or digits are enough."
)
NOT_TYPED = _("A character in it cannot be searched for. Type it anew.")
NO_DATE = {"invalid": _("This is no date, so it filters nothing. Choose one, or leave it empty.")}
NO_PLACE = _("This address begins at a place that the list does not know, so it is shown from its beginning.")


class FilterForm(forms.Form):
    """What the address asks for. Everything may be left out; what is not understood filters nothing."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=LONGEST_SEARCH,
        error_messages={"max_length": TOO_LONG, "null_characters_not_allowed": NOT_TYPED},
    )
    since = forms.DateField(
        label=_("Ends from"), required=False, widget=forms.DateInput(DAY), error_messages=NO_DATE
    )
    until = forms.DateField(
        label=_("Ends to"), required=False, widget=forms.DateInput(DAY), error_messages=NO_DATE
    )
    state = forms.ChoiceField(
        required=False,
        choices=list(STATES.items()),
        error_messages={
            "invalid_choice": _("This state is not known here, so all that are in use are shown.")
        },
    )
    sort = forms.ChoiceField(
        label=_("In order"),
        required=False,
        choices=list(SORTS.items()),
        error_messages={
            "invalid_choice": _("This order is not known here, so they are in that of their end.")
        },
    )
    whose = forms.ChoiceField(
        required=False,
        choices=list(WHOSE.items()),
        error_messages={
            "invalid_choice": _("This choice is not known here, so all that you may see are shown.")
        },
    )
    after = forms.Field(required=False)

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(data, auto_id="%s")
        self.purposes = lists.purposes(user)
        offered = [(name, title) for first, title in self.purposes for name in catalogue.alike(first)]
        self.fields["profile"] = forms.ChoiceField(
            label=_("For"),
            required=False,
            choices=[("", _("Anything")), *offered],
            error_messages={
                "invalid_choice": _("This purpose is not known here, so those for anything are shown.")
            },
        )

    def wanted(self, user: User) -> Wanted:
        """What `user` gets to see of that."""
        typed = self.cleaned_data
        own = not lists.sees_all(user) or typed.get("whose") == "mine"
        return Wanted(
            owners=(str(user.pk),) if own else None,
            people=() if own else lists.people_called(typed.get("q", "")),
            q=typed.get("q", ""),
            profile=typed.get("profile", ""),
            state=typed.get("state") or "current",
            sort=typed.get("sort") or "end",
            since=lists.midnight(typed.get("since")),
            until=lists.midnight(typed.get("until"), later=1),
            after=typed.get("after") or "",
        )


def _asked(request: HttpRequest) -> tuple[FilterForm, Wanted]:
    form = FilterForm(me(request), request.GET)
    form.is_valid()
    return form, form.wanted(me(request))


@require_safe
@requires()
def certificates(request: HttpRequest) -> HttpResponse:
    """The list, a page by keyset."""
    form, wanted = _asked(request)
    found = catalogue.page(wanted)
    rest = {name: value for name, value in request.GET.items() if name != "after" and value}
    rows = lists.rows(found.entries, me(request))
    if wanted.after and not catalogue.is_place(wanted, found.many):
        form.add_error(None, NO_PLACE)
    narrowed = bool(wanted.q.strip() or wanted.profile or wanted.since or wanted.until)
    narrowed = narrowed or wanted.state != "current"
    context = {
        "form": form,
        "rows": rows,
        "many": found.many,
        "may_choose": any(row.may_revoke for row in rows),
        "sees_all": lists.sees_all(me(request)),
        "all": wanted.owners is None,
        "filtered": narrowed,
        "everything": f"?{urlencode({**rest, 'state': 'any'})}",
        "gone": "" if narrowed or wanted.after else _gone(wanted),
        "further": found.after and f"?{urlencode({**rest, 'after': found.after})}",
        "first": f"?{urlencode(rest)}" if wanted.after else "",
        "query": urlencode(rest),
        "profiles": form.purposes,
        "profile": catalogue.alike(wanted.profile)[0],
        "states": STATES,
        "sorts": SORTS,
        "whose": WHOSE,
    }
    return render(request, "certificates/list.html", context)


def _gone(wanted: Wanted) -> str:
    """What the list of those in use leaves out, in words; "" when that is nothing."""
    number = catalogue.gone(wanted.owners)
    if not number:
        return ""
    shown = f"{catalogue.COUNTED:,}+" if number > catalogue.COUNTED else f"{number:,}"
    said = ngettext(
        "%(shown)s has ended, was revoked or is on hold.",
        "%(shown)s have ended, were revoked or are on hold.",
        number,
    )
    return said % {"shown": shown}


@require_safe
@requires()
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same, all of it, as CSV or JSON; streamed, and itself a line of the audit."""
    if form not in cells.MEDIA_TYPES:
        raise Http404
    _form, wanted = _asked(request)
    user = me(request)
    detail = {"format": form, "filters": request.GET.dict(), "own": wanted.owners is not None}
    trail.record("certificates.exported", actor=user.username, address=address_of(request), detail=detail)
    found = catalogue.every(wanted)
    lines = lists.as_csv(found, user) if form == "csv" else lists.as_json(found, user)
    return cells.attachment(lines, "certificates", form)


@require_safe
@requires()
def timeline(request: HttpRequest) -> HttpResponse:
    """What ends when, by week or month: a picture, and the same as a table."""
    form, wanted = _asked(request)
    unit = "week" if request.GET.get("by") == "week" else "month"
    bars = timelines.bars(wanted.owners, unit, timezone.localdate())
    own = lists.sees_all(me(request)) and wanted.owners is not None
    context: dict[str, Any] = {
        "bars": bars,
        "unit": unit,
        "units": timelines.UNITS,
        "all": wanted.owners is None,
        "sees_all": lists.sees_all(me(request)),
        "mine": "&whose=mine" if own else "",
        "total": sum(bar.count for bar in bars),
        "width": timelines.WIDTH,
        "left": timelines.LEFT,
        "height": timelines.BARS * timelines.ROW,
    }
    return render(request, "certificates/timeline.html", context)


def visible(request: HttpRequest, pk: UUID) -> Certificate:
    """The certificate, if it is one's own or one sees all; any other does not exist."""
    user = me(request)
    found = Certificate.objects.filter(pk=pk)
    if not lists.sees_all(user):
        found = found.filter(owner=str(user.pk))
    certificate = found.first()
    if certificate is None:
        raise Http404
    return certificate


@require_safe
@requires()
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One certificate: whose, what for, what is in it, what came before, and what it opens."""
    certificate, user = visible(request, pk), me(request)
    owner, asked = revoking.owner_of(certificate), page.request_of(certificate)
    mine = owner is not None and owner.pk == user.pk
    context = {
        "certificate": certificate,
        "state": states.of_certificate(certificate),
        "reason": page.REASONS.get(certificate.reason, certificate.reason),
        "owner": owner,
        "mine": mine,
        "own_service": lists.OWN,
        "asked": asked,
        "profile": EVERY.get(certificate.profile),
        "seen": seen.of(certificate),
        "successor": page.successor_of(certificate),
        "doors": page.doors_of(owner, certificate),
        "extensions": explained.extensions(x509.load_der_x509_certificate(bytes(certificate.der))),
        "chain": page.chain_of(certificate),
        "forms": downloads.FORMS,
        "history": page.history_of(certificate, asked),
        "words": words(certificate.key_sha256),
        "may_revoke": lists.may_revoke(user, certificate.owner, certificate.revoked_at, certificate.reason),
        "may_release": user.is_officer and certificate.reason == HOLD and not mine,
        "paper": PaperCode.objects.filter(certificate=certificate, used_at=None).first() if mine else None,
        "may_renew": mine and user.is_requester and anew.may_be(certificate),
        "wanted": urging.wanted_of(certificate) if mine or user.is_officer else None,
        "may_urge": user.is_officer and owner is not None and not mine and anew.may_be(certificate),
        "over": certificate.not_after <= timezone.now(),
        "check_url": settings.CHECK_URL,
    }
    return render(request, "certificates/one.html", context)


@require_safe
@requires()
def download(request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
    """The certificate as a file, in any of the forms: it is no secret."""
    certificate = visible(request, pk)
    return downloads.send(request, certificate, form)
