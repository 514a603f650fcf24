"""A person's own presses."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from door import history as presses
from door import telling
from door.models import Press
from door.views.frame import DoorRequest, show

PAGE = 30  # lines


@dataclass(frozen=True)
class Line:
    press: Press
    title: str
    tone: str
    at: str


@require_safe
def history(request: DoorRequest) -> HttpResponse:
    """Newest first; `?after=` is the place where the page before ended."""
    after = request.GET.get("after", "")
    wanted = presses.Wanted(user=request.holder.user, after=after)
    found = list(presses.presses(wanted)[: PAGE + 1])
    further = presses.place_of(found[PAGE - 1]) if len(found) > PAGE else ""
    context = {"lines": [_line(press) for press in found[:PAGE]], "further": further, "later": bool(after)}
    return show(request, "door/history.html", context)


def _line(press: Press) -> Line:
    title, tone = telling.in_short(press, timezone.now())
    return Line(press, title, tone, telling.named(press.at, timezone.now()))
