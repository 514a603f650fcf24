"""The secret link for calendars: made, withdrawn, read."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import boxes
from accounts.addresses import address_of
from accounts.guards import me, posted, requires
from accounts.message_forms import CalendarForm
from accounts.models import CalendarLink
from enrollment import calendar

_LINK = "calendar link"
_SHOWN = 300  # seconds


@requires()
def link(request: HttpRequest) -> HttpResponse:
    """Make one, in the place of the one before. The address is shown once."""
    user = me(request)
    form = CalendarForm(request, posted(request))
    if form.is_valid():
        everybody = form.cleaned_data.get("everybody", False)
        token = calendar.make(user, everybody=everybody, address=address_of(request))
        boxes.put(request, _LINK, {"path": reverse("enrollment:calendar-feed", args=[token])})
        return redirect("enrollment:calendar")
    shown = boxes.get(request, _LINK, ttl=_SHOWN)
    boxes.drop(request, _LINK)
    context = {
        "form": form,
        "url": settings.PORTAL_URL + shown["path"] if shown else "",
        "found": CalendarLink.objects.filter(user=user).first(),
    }
    return render(request, "enrollment/calendar.html", context, status=400 if form.errors else 200)


@require_POST
@requires()
def withdraw(request: HttpRequest) -> HttpResponse:
    if calendar.withdraw(me(request), address=address_of(request)):
        messages.success(request, "The link is withdrawn: it shows nothing any more.")
    return redirect("enrollment:calendar")


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """Whoever has the link may read: calendars cannot sign in."""
    found = calendar.find(token)
    if found is None:
        raise Http404
    answer = HttpResponse(calendar.text(found), content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
