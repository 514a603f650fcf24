"""What every response carries, on both faces, errors and static files included."""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase

# Everything comes from ourselves; nothing is inline; nobody frames us. Images may be data: for QR codes.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

# No Strict-Transport-Security: it counts for every port of a host name, and would turn the status face's
# http:// addresses, which stand in certificates, into https:// (RFC 6797 8.3).
HEADERS = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",  # pages are about one person; what may be cached says so itself
    }
)


class SecurityHeaders:
    """Outermost middleware: sets what a response does not set itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class WellFormed:
    """Text that a database can store, before anybody looks at it.

    400 for a body in any other encoding than UTF-8, which is what our pages ask browsers for: Django takes
    whatever codec of Python's the Content-Type names, and `hex` is none for text and ends as a 500. A cookie
    with a NUL ("\\000", quoted) is none of ours: PostgreSQL fails when it is asked for such a session.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (request.encoding or "utf-8").lower() not in ("utf-8", "utf8"):
            raise BadRequest("A body that is not UTF-8 was refused.")
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return self.get_response(request)


def legible(app: WSGIApplication) -> WSGIApplication:
    """`app`, with a 400 for what Django cannot make a request of.

    When a Content-Type names an encoding, Django reads the address in it (`hex` is none for text) and counts
    the parameters before any middleware, and before its own handling of errors.
    """

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            return app(environ, start)
        except (LookupError, ValueError, SuspiciousOperation):
            start("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8"), *HEADERS.items()])
            return [b"The browser sent something Latchkey cannot read.\n"]

    return answer
