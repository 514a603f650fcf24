"""The audit trail for auditors and administrators: search, filters, pages, export."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts import cells
from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from audit import reading
from audit import trail as audit_trail
from audit.reading import Line
from pki.text import printable
from portal import audit_lists
from portal.audit_lists import Wanted

PAGE = 50


class FilterForm(forms.Form):
    """What the address asks for. Everything may be left out."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100)
    actor = forms.CharField(label=_("Who"), required=False, max_length=150)
    action = forms.CharField(label=_("What"), required=False, max_length=64, help_text="")
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    before = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    def wanted(self) -> Wanted:
        """What was understood; a field that was not is shown with its error and filters nothing."""
        values: dict[str, Any] = {name: self.cleaned_data.get(name) for name in Wanted.__dataclass_fields__}
        return Wanted(**values)


@require_safe
@requires(Role.AUDITOR, Role.ADMINISTRATOR)
def trail(request: HttpRequest) -> HttpResponseBase:
    """Newest first, a page by keyset: as fast at any depth."""
    form = FilterForm(request.GET)
    form.is_valid()
    found = reading.read(audit_lists.events(form.wanted())[: PAGE + 1])
    rest = {name: value for name, value in request.GET.items() if name != "before" and value}
    older = f"?{urlencode({**rest, 'before': found[PAGE - 1].number})}" if len(found) > PAGE else ""
    context = {
        "form": form,
        "rows": [_row(line) for line in found[:PAGE]],
        "broken": not all(line.whole for line in found[:PAGE]),
        "older": older,
        "newest": f"?{urlencode(rest)}" if request.GET.get("before") else "",
        "query": urlencode(rest),
        "actions": audit_lists.ACTIONS,
    }
    return render(request, "portal/audit.html", context)


def _row(line: Line) -> dict[str, Any]:
    """One line for people: whatever could hide or reorder text is made visible."""
    event, number = line.event, printable(str(line.number))
    if event is None:
        return {"number": number, "whole": False}
    return {
        "number": number,
        "whole": line.whole,
        "event": event,
        "actor": printable(event.actor) or "Latchkey",
        "target": printable(event.target),
        "called": printable(str(event.detail.get("common_name", ""))),
        "detail": [(printable(str(name)), printable(str(value))) for name, value in event.detail.items()],
    }


@require_safe
@requires(Role.AUDITOR, Role.ADMINISTRATOR)
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same lines, all of them, oldest first, as CSV or JSON; streamed, and itself a line of the trail."""
    if form not in cells.MEDIA_TYPES:
        raise Http404
    filters = FilterForm(request.GET)
    filters.is_valid()
    detail = {"format": form, "filters": request.GET.dict()}
    audit_trail.record(
        "audit.exported", actor=me(request).username, address=address_of(request), detail=detail
    )
    found = reading.oldest_first(audit_lists.events(filters.wanted()))
    lines = audit_lists.as_csv(found) if form == "csv" else audit_lists.as_json(found)
    return cells.attachment(lines, "audit", form)
