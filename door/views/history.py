"""Who pressed, when, and what became of it: everybody's for officers, auditors and administrators."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import cells
from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role, User
from audit import trail
from door import history as presses_of
from door.forms import HistoryForm
from door.history import LOOKS, Wanted
from door.models import Door, Outcome, Press

PAGE = 50
SEES_ALL = frozenset({Role.OFFICER.value, Role.ADMINISTRATOR.value, Role.AUDITOR.value})


@dataclass(frozen=True)
class Row:
    """One press for people."""

    press: Press
    word: str
    look: str


@require_safe
@requires()
def history(request: HttpRequest) -> HttpResponseBase:
    """Newest first, a page by keyset."""
    form, wanted = _asked(request)
    found = list(presses_of.presses(wanted)[: PAGE + 1])
    rest = {name: value for name, value in request.GET.items() if name != "after" and value}
    more = urlencode({**rest, "after": presses_of.place_of(found[PAGE - 1])}) if len(found) > PAGE else ""
    context = {
        "form": form,
        "rows": [_row(press) for press in found[:PAGE]],
        "all": wanted.user is None,
        "filtered": bool(rest),
        "older": more and f"?{more}",
        "newest": f"?{urlencode(rest)}" if wanted.after else "",
        "query": urlencode(rest),
        "doors": Door.objects.order_by("position", "name") if wanted.user is None else _pressed(wanted.user),
        "outcomes": Outcome.choices,
    }
    return render(request, "door/portal/history.html", context)


def _asked(request: HttpRequest) -> tuple[HistoryForm, Wanted]:
    """What was understood; a field that was not is shown with its error and filters nothing."""
    form, user = HistoryForm(request.GET), me(request)
    form.is_valid()
    names = set(Wanted.__dataclass_fields__) - {"user"}
    values: dict[str, Any] = {name: form.cleaned_data.get(name) for name in names}
    return form, Wanted(user=None if user.roles & SEES_ALL else user, **values)


def _pressed(user: User) -> list[Door]:
    """The doors in somebody's own history: others are none of their business."""
    return list(Door.objects.filter(presses__user=user).distinct().order_by("position", "name"))


def _row(press: Press) -> Row:
    outcome = Outcome(press.outcome)
    return Row(press, str(outcome.label), LOOKS[outcome])


@require_safe
@requires()
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same lines, all of them, newest first, as CSV or JSON; streamed, and itself a line of the audit."""
    if form not in cells.MEDIA_TYPES:
        raise Http404
    _, wanted = _asked(request)
    detail = {"format": form, "filters": request.GET.dict(), "own": wanted.user is not None}
    trail.record("door.exported", actor=me(request).username, address=address_of(request), detail=detail)
    found = presses_of.presses(wanted).iterator(chunk_size=1000)
    lines = presses_of.as_csv(found) if form == "csv" else presses_of.as_json(found)
    return cells.attachment(lines, "doors", form)
