"""SCEP over HTTP (RFC 8894 4) on the status face: what phones, printers, routers and certmonger ask."""

import base64
import binascii
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.addresses import address_of
from enrollment.protocols import scep_answers, scep_limits, scep_ra
from pki import authorities, scep
from pki.errors import MessageRejected, SignerUnavailable

CERTIFICATES = "application/x-x509-ca-ra-cert"  # iOS wants exactly this, without parameters
MESSAGE = "application/x-pki-message"
TEXT = "text/plain"
BAD_REQUEST, UNAVAILABLE = 400, 503


@require_http_methods(["GET", "HEAD", "POST"])
def clients(request: HttpRequest) -> HttpResponse:
    """/scep/clients: by `operation`, whose other parameter `message` is the CA's name or what is asked."""
    operation = OPERATIONS.get(request.GET.get("operation", ""))
    if operation is None:
        return _refused("SCEP asks for operation=GetCACaps, GetCACert or PKIOperation.")
    try:
        return operation(request)
    except SignerUnavailable as error:
        return _refused(f"{error} {error.remedy}", UNAVAILABLE)
    except MessageRejected as error:
        return _refused(str(error))
    except scep_limits.TooMuch as error:
        refused = _refused(f"{error} Try again in {error.seconds} s.", error.status)
        refused.headers["Retry-After"] = str(error.seconds)
        return refused


def _capabilities(request: HttpRequest) -> HttpResponse:
    """3.5. Which CA is meant (`message`) does not matter: there is one."""
    return HttpResponse(scep.CAPABILITIES, content_type=TEXT)


def _certificates(request: HttpRequest) -> HttpResponse:
    """4.2: RA, issuing CA and root."""
    chain = authorities.chain(scep_answers.AUTHORITY)
    return HttpResponse(scep.ca_certificates(scep_ra.ra().certificate, chain), content_type=CERTIFICATES)


def _message(request: HttpRequest) -> HttpResponse:
    """4.3: the message as the body, or by GET in base64."""
    address = address_of(request)
    with scep_limits.turn(address) as turn:
        data = request.body if request.method == "POST" else _from_base64(request.GET.get("message", ""))
        answer = scep_answers.answer(data, address)
        turn.in_vain = answer.in_vain
    return HttpResponse(answer.data, content_type=MESSAGE)


OPERATIONS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "GetCACaps": _capabilities,
    "GetCACert": _certificates,
    "PKIOperation": _message,
}


def _from_base64(text: str) -> bytes:
    """Some programs leave the plus sign as it is, which in an address is a blank; some break lines."""
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", text).replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        raise MessageRejected("The message is not base64.", code="damaged") from None


def _refused(sentence: str, status: int = BAD_REQUEST) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
