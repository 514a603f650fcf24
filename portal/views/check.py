"""Did it work? Says which client certificate arrived, to whoever comes, and what to do next.

Renewing it from here is in portal/views/renew.py.
"""

import logging
import sys
from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import useragent
from accounts.addresses import address_of
from door import gate
from enrollment import seen
from portal import advice, arrivals, errors, renewals, unsaved
from portal.arrivals import Arrival

log = logging.getLogger(__name__)


@require_safe
def look(request: HttpRequest) -> HttpResponse:
    return told(request, arrived(request))


def arrived(request: HttpRequest) -> Arrival:
    """What came with this connection. A live certificate is noted as seen, for its owner and the officers."""
    arrival = arrivals.of(_presented(request))
    if arrival.live:
        seen.note(arrival.live.id, address=address_of(request), at=timezone.now())
    if arrival.refused:
        gate.report(arrival.refused, address_of(request))
    return arrival


def told(request: HttpRequest, arrival: Arrival, status: int = 200) -> HttpResponse:
    """The page about what came."""
    context = {
        "arrival": arrival,
        "standing": renewals.of(arrival.live) if arrival.live else None,
        "advice": advice.when_nothing_came(_browser(request)) if arrival.kind == "none" else [],
        "door": settings.DOOR_URL,
    }
    return show(request, f"check/{_template(arrival)}.html", context, status)


def _browser(request: HttpRequest) -> useragent.UserAgent:
    return useragent.read(request.headers.get("User-Agent", ""))


def _template(arrival: Arrival) -> str:
    return arrival.kind if arrival.kind in ("live", "none") else "refused"


def _presented(request: HttpRequest) -> bytes | None:
    """The certificate of this connection (DER), which the TLS layer took unverified."""
    channel = request.META.get("gunicorn.socket")
    found: bytes | None = channel.getpeercert(True) if channel else None
    return found


def show(
    request: HttpRequest, template: str, context: Mapping[str, object], status: int = 200
) -> HttpResponse:
    """The template with `context`, the frame of all pages, and how to choose another certificate."""
    browser = _browser(request)
    frame = {
        "household": getattr(request, "household", None),
        "portal": settings.PORTAL_URL,
        "choose": advice.to_choose_again(browser),
        "where": advice.page_for(browser),
    }
    return HttpResponse(render_to_string(template, {**frame, **context}), status=status)


def _error(request: HttpRequest, status: int, title: str, message: str) -> HttpResponse:
    """check/error.html with these sentences; when that fails, the bare words."""
    try:
        return show(request, "check/error.html", {"title": title, "message": message}, status)
    except Exception:
        log.warning("the page for error %s could not be rendered", status, exc_info=status != 500)
    return errors.bare(status, title, message)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        return errors.unknown_host(request)
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return _error(
        request,
        status,
        _("This did not arrive whole"),
        _("The browser sent something that cannot be read. Go back and begin again."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """422: the page is old, its cookie is gone, or another site's page sent the form in somebody's name."""
    message = _("Nothing was sent on, and no certificate was made. Begin again with a new page.")
    return _error(request, 422, _("This page was open for too long"), message)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404, _("Nothing is here"), _("This address has one page only: the first one."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 when disk or database are to blame."""
    if found := unsaved.trouble(sys.exception()):
        message = f"{found.message} {found.remedy}"
        return unsaved.later(_error(request, unsaved.STATUS, found.title, message))
    return _error(
        request,
        500,
        _("Something broke"),
        _("Look again in a minute. Whether your certificate works, the door tells."),
    )
