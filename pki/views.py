"""The status face publishes CRLs and CA certificates as files (RFC 5280 4.2.1.13, 4.2.2.1)."""

import os
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from pki import authorities
from pki import crl as crls
from pki.signer.protocol import AUTHORITIES

NAMES = frozenset([*AUTHORITIES, *(f"{name}-root" for name in AUTHORITIES)])
FIVE_MINUTES = 300  # seconds a CRL may be remembered: a revocation is known everywhere by then
A_DAY = 86_400  # seconds; an authority's certificate changes once in years


@require_safe
def crl(request: HttpRequest, name: str) -> HttpResponseBase:
    """The CRL of an authority or of its root. Media type by RFC 2585 4.2."""
    return _publish(request, name, crls.path(name), "application/pkix-crl", FIVE_MINUTES)


@require_safe
def certificate(request: HttpRequest, name: str) -> HttpResponseBase:
    """The certificate of an issuing CA or of its root. Media type by RFC 2585 4.1."""
    return _publish(request, name, authorities.path(name), "application/pkix-cert", A_DAY)


def _publish(request: HttpRequest, name: str, path: Path, media_type: str, seconds: int) -> HttpResponseBase:
    if name not in NAMES:
        return _missing(f"There is no authority of that name here. Known: {', '.join(sorted(NAMES))}.")
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return _missing("Not published yet. The signer has to run once; then it is here.")
    found = os.fstat(file.fileno())
    etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
    answer: HttpResponseBase | None = get_conditional_response(request, etag, int(found.st_mtime))
    if answer is None and request.method == "GET":
        answer = FileResponse(file, content_type=media_type)
    else:
        file.close()
    if answer is None:
        answer = HttpResponse(content_type=media_type, headers={"Content-Length": str(found.st_size)})
    answer.headers["ETag"] = etag
    answer.headers["Last-Modified"] = http_date(found.st_mtime)
    answer.headers["Cache-Control"] = f"public, max-age={seconds}"
    return answer


def _missing(sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=404, content_type="text/plain; charset=utf-8")
