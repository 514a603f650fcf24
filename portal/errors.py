"""The pages for what goes wrong: each says what, and the way out, and none can fail itself."""

import logging
import sys

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from pki import armour
from portal import unsaved

log = logging.getLogger(__name__)

_BARE = (
    '<!doctype html><html lang="{}"><meta charset="utf-8"><title>{title}</title>'
    "<h1>{title}</h1><p>{message}</p></html>"
)


def bare(status: int, title: str, message: str) -> HttpResponse:
    """For when no page can be made."""
    html = format_html(_BARE, get_language() or settings.LANGUAGE_CODE, title=title, message=message)
    return HttpResponse(html, status=status)


def page(
    request: HttpRequest | None, status: int, title: str, message: str, remedy: str = ""
) -> HttpResponse:
    """error.html with `title`, `message` and `remedy`; when that fails, the bare words.

    `request` is None where the request itself is what cannot be trusted.
    """
    context = {"title": title, "message": message, "remedy": remedy, "status": status}
    # A broken database breaks the navigation too: an error page must stand without it, and without any page.
    for audience in (request, None):
        try:
            return HttpResponse(render_to_string("error.html", context, audience), status=status)
        except Exception:
            log.warning("the page for error %s could not be rendered", status, exc_info=status != 500)
    return bare(status, title, f"{message} {remedy}")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 when the body is too big."""
    if isinstance(exception, DisallowedHost):
        return unknown_host(request)
    if isinstance(exception, RequestDataTooBig):
        limit = armour.MAX_BYTES // 1024
        return page(
            request,
            413,
            _("That is too big"),
            _("A certification request is a small file, at most %(limit)d KiB.") % {"limit": limit},
            _("Go back and choose the file that ends in .csr or .pem."),
        )
    message = _("The browser sent something Latchkey cannot read.")
    remedy = _("Go back, reload the page and try again.")
    return page(request, 400, _("This did not arrive whole"), message, remedy)


def unknown_host(request: HttpRequest) -> HttpResponse:
    """Plain text: the page's own links would need the very host name that is not known."""
    known = " ".join(settings.HOSTS)
    text = _(
        "Latchkey does not know itself by the name in this address.\n\nIt is reached as: %(names)s\nTo add a"
        " name or an address, set LATCHKEY_HOSTS to all of them, separated by blanks, and start Latchkey"
        " again.\n"
    ) % {"names": known}
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    message = _("Your account may not do this.")
    return page(request, 403, _("Not allowed"), message, _("Ask an administrator."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(
        request,
        404,
        _("Nothing is here"),
        _("There is no such page, or it is not yours to see."),
        _("Check the address, or begin at the first page."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 when disk or database are to blame."""
    if found := unsaved.trouble(sys.exception()):
        return unsaved.later(page(request, unsaved.STATUS, found.title, found.message, found.remedy))
    return page(
        request,
        500,
        _("Something broke"),
        _("Latchkey made a mistake. Nothing that was already saved is lost."),
        _("Try again; if it happens again, the log of the program says why."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token does not fit (signed in elsewhere meanwhile, cookies refused, a foreign page)."""
    return page(
        request,
        403,
        _("This form is out of date"),
        _("You may have signed in or out in another tab, or your browser refuses cookies."),
        _("Go back, reload the page and send the form again."),
    )


def _plain(sentence: str, status: int) -> HttpResponse:
    """The status face speaks to programs, and has none of the portal's addresses for its pages."""
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")


def status_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 when the body is too big."""
    if isinstance(exception, DisallowedHost):
        return unknown_host(request)
    if isinstance(exception, RequestDataTooBig):
        return _plain("That is larger than any message to this face.", 413)
    return _plain("The program sent something Latchkey cannot read.", 400)


def status_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _plain("Nothing is published here.", 404)


def status_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 when disk or database are to blame."""
    if found := unsaved.trouble(sys.exception()):
        return unsaved.later(_plain(f"{found.title}. {found.remedy}", unsaved.STATUS))
    return _plain("Something broke.", 500)
