"""How the door's pages are made: without context processors, which would ask for a session."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from accounts.models import Household
from door.identity import Holder


class DoorRequest(HttpRequest):
    """As door/middleware.py hands it on: somebody stands at the door, always."""

    holder: Holder
    household: Household


def show(
    request: DoorRequest, template: str, context: Mapping[str, object] | None = None, status: int = 200
) -> HttpResponse:
    """The template with `context` and the household."""
    frame = {"household": request.household}
    return HttpResponse(render_to_string(template, {**frame, **(context or {})}), status=status)


def renew_page() -> str:
    """Where a certificate is renewed by showing it: at the check face, which asks for it as the door does."""
    return f"{settings.CHECK_URL}/renew"


def pin_page() -> str:
    """Where people set their PIN: on the portal. That one's URL table is not loaded here, it is large."""
    return f"{settings.PORTAL_URL}/doors/pin"
