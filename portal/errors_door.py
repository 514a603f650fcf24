"""The door's pages for what goes wrong: in its own words, for people in front of a closed door."""

import logging
import sys

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from portal import errors, unsaved

log = logging.getLogger(__name__)


def page(request: HttpRequest, status: int, title: str, message: str, remedy: str) -> HttpResponse:
    """door/error.html with these sentences; when that fails, the bare words."""
    context = {"title": title, "message": message, "remedy": remedy, "status": status}
    try:
        return HttpResponse(render_to_string("door/error.html", context, request), status=status)
    except Exception:
        log.warning("the page for error %s could not be rendered", status, exc_info=status != 500)
    return errors.bare(status, title, f"{message} {remedy}")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 when the body is too big."""
    if isinstance(exception, DisallowedHost):
        return unknown_host(request)
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return page(
        request,
        status,
        _("This did not arrive whole"),
        _("The browser sent something that the door cannot read. Nothing was opened."),
        _("Go back to the doors and press again."),
    )


def unknown_host(request: HttpRequest) -> HttpResponse:
    """Plain text: the page's own links would need the very host name that is not known."""
    text = _(
        "The door does not know itself by the name in this address.\n\nIt is reached as %(url)s, or by one"
        " of: %(names)s\n"
    ) % {"url": settings.DOOR_URL, "names": " ".join(settings.HOSTS)}
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(
        request,
        404,
        _("Nothing is here"),
        _("There is no such door or page, or it is not yours to see."),
        _("Go back to the doors."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 when disk or database are to blame: a press is written down before anything is sent."""
    if found := unsaved.trouble(sys.exception()):
        look = _("Look whether it opened before you press again.")
        return unsaved.later(
            page(request, unsaved.STATUS, found.title, f"{found.message} {look}", found.remedy)
        )
    return page(
        request,
        500,
        _("Something broke"),
        _("The door made a mistake. Look whether it opened before you press again."),
        _("If it happens again, tell whoever runs this household's portal."),
    )
