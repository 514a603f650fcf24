"""A press arrives, and what became of it."""

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.addresses import address_of
from door import pins, telling
from door.models import Press
from door.press import NoSuchDoor, PinUnfit, opening, press
from door.views.frame import DoorRequest, show
from door.views.page import Notice, form

LOOKS = 15  # times a page without our script looks again by itself: as long as a usual home may take


@require_POST
def open_door(request: DoorRequest, slug: str) -> HttpResponse:
    """Press, then go and see. What never became a press is told above the form."""
    token = _token(request)
    if token is None:
        return form(request, _incomplete(), 400)
    try:
        door = opening(request.holder.user, slug, timezone.now()).door
        pin = request.POST.get("pin", "")
        made = press(request.holder, door, pin=pin, token=token, address=address_of(request))
    except NoSuchDoor as error:
        raise Http404 from error
    except PinUnfit:
        return form(request, _unfit(pin), 422)
    except pins.PinMissing:
        return form(request, _missing(), 422)
    return HttpResponseRedirect(reverse("door:press", args=[made.pk]), status=303)


@require_safe
def pressed(request: DoorRequest, pk: uuid.UUID) -> HttpResponse:
    """The page of one press; while it is on its way and no script runs, it looks again every second."""
    context = _told(request, pk)
    looked = _looked(request)
    if context["story"].going and looked < LOOKS:
        context["again"] = f"{request.path}?look={looked + 1}"
    return show(request, "door/press.html", context, context["story"].status)


@require_safe
def state(request: DoorRequest, pk: uuid.UUID) -> HttpResponse:
    """Only the part of it that changes, for the script."""
    context = _told(request, pk)
    return show(request, "door/_answer.html", context, context["story"].status)


def _told(request: DoorRequest, pk: uuid.UUID) -> dict[str, Any]:
    now = timezone.now()
    found = get_object_or_404(Press.objects.select_related("door", "user"), pk=pk, user=request.holder.user)
    return {
        "press": found,
        "story": telling.story(found, now),
        "at": telling.named(found.at, now),
        "picture": f"door/pictures/{found.door.picture}.svg",
        "token": uuid.uuid4(),  # of the next press from the same page
    }


def _token(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("token", ""))
    except ValueError:
        return None


def _looked(request: HttpRequest) -> int:
    """How often this page looked again already; what we did not write there counts as often enough."""
    text = request.GET.get("look", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else LOOKS


def _incomplete() -> Notice:
    return Notice(gettext("This did not arrive whole"), gettext("Nothing was sent. Press again."))


def _unfit(pin: str) -> Notice:
    text = gettext("A PIN has digits only.") if pin.strip() else gettext("Type it, then press the door.")
    return Notice(gettext("The PIN is missing"), text)


def _missing() -> Notice:
    return Notice(gettext("You have no PIN yet"), gettext("Nothing was sent."))
