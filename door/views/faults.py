"""A form that does not fit. Never a 403: Safari takes that for a refused certificate and hides the page."""

from django.http import HttpResponse
from django.utils.translation import gettext

from door.views.frame import DoorRequest
from door.views.page import Notice, form


def csrf_failure(request: DoorRequest, reason: str = "") -> HttpResponse:
    """422 with the form anew: the page is old, its cookie is gone, or another site's page sent it."""
    text = gettext("Nothing was sent. This is a new page: press again.")
    return form(request, Notice(gettext("This page was open for too long"), text), 422)
