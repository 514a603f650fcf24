"""The status face answers OCSP, by POST and GET (RFC 6960 A.1, RFC 5019 5 and 6). Never a 500."""

import base64
import binascii
import logging
import re

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_http_methods

from pki import ocsp
from pki.signer.protocol import AUTHORITIES
from portal import responder

log = logging.getLogger(__name__)

REQUEST, RESPONSE = "application/ocsp-request", "application/ocsp-response"
_CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"})
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
HOW = "Ask as RFC 6960 A.1 says: POST with Content-Type: application/ocsp-request, or GET with base64."


@require_http_methods(["GET", "HEAD", "POST"])
def ocsp_answer(request: HttpRequest, name: str, encoded: str = "") -> HttpResponse:
    """What the authority `name` says of certificates that somebody was shown."""
    if name not in AUTHORITIES:
        return _plain(404, f"No authority of that name answers here. Known: {', '.join(AUTHORITIES)}.")
    if request.method == "POST":
        if request.content_type != REQUEST:
            return _plain(415, HOW)
        data = request.body
    elif encoded.strip("/"):
        data = _decoded(encoded)
    else:
        return _plain(400, HOW)
    found = _found(name, data)
    return _unsigned(found) if isinstance(found, int) else _signed(request, found)


def _found(authority: str, data: bytes) -> responder.Answer | int:
    try:
        return responder.answer(authority, data)
    except DatabaseError as error:
        log.warning("ocsp=%s the database does not answer: %s", authority, error)
    except Exception:
        log.exception("ocsp=%s failed", authority)
    return ocsp.TRY_LATER


def _decoded(text: str) -> bytes:
    """Base64 from an address, which programs escape in many ways; b"" is no request either."""
    text = text.lstrip("/").rstrip("=").replace(" ", "+").replace("-", "+").replace("_", "/")
    try:
        return b"" if _NOT_BASE64.search(text) else base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _signed(request: HttpRequest, found: responder.Answer) -> HttpResponse:
    if found.shared and not _CONDITIONS.isdisjoint(request.META) and request.method != "POST":
        held: HttpResponse | None = get_conditional_response(request, found.headers["ETag"], found.made)
        if held is not None:
            for name, value in found.headers.items():
                held.headers[name] = value
            return held
    return HttpResponse(found.der, content_type=RESPONSE, headers=found.headers)


def _unsigned(status: int) -> HttpResponse:
    """Still 200: RFC 6960 A.2 knows nothing else. Kept by nobody."""
    answer = HttpResponse(ocsp.error(status), content_type=RESPONSE)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _plain(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
