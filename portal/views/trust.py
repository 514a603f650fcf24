"""The root of the household's servers: to get, to compare, to trust; and the status face's first page."""

import hashlib

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from accounts import useragent
from pki import authorities
from pki.errors import SignerUnavailable
from pki.signer.protocol import AUTHORITIES
from portal.errors import page

MISSING = gettext_noop("The root is not here yet")
# iOS offers a .cer for installation only under this media type; desktops go by the file name.
MEDIA_TYPES = {"cer": "application/x-x509-ca-cert", "pem": "application/x-pem-file"}


@require_safe
def trust(request: HttpRequest) -> HttpResponse:
    """How to trust the root, system by system."""
    try:
        context = facts()
    except SignerUnavailable as error:
        return page(request, 503, _(MISSING), str(error), error.remedy)
    return render(request, "portal/trust.html", {**context, "system": part_of(request)})


def facts() -> dict[str, object]:
    """What portal/_trust.html shows of the root. Raises SignerUnavailable while there is none."""
    _issuing, root_der = authorities.chain("servers")
    permitted = authorities.permitted("servers")
    return {
        "own_certificate": bool(settings.TLS_CERT),
        "root_cer": reverse("portal:trust_root", args=["cer"]),
        "root_pem": reverse("portal:trust_root", args=["pem"]),
        "fingerprint": hashlib.sha256(root_der).hexdigest(),
        "permitted": [name.partition(":")[2] for name in permitted],
    }


def part_of(request: HttpRequest) -> str:
    """Which part of portal/_trust.html fits: a system, or "firefox" on Linux; "" for none."""
    browser = useragent.read(request.headers.get("User-Agent", ""))
    return "firefox" if (browser.system, browser.browser) == ("linux", "firefox") else browser.system


@require_safe
def root(request: HttpRequest, form: str) -> HttpResponse:
    """The root of `servers`: DER (.cer) or PEM."""
    if form not in MEDIA_TYPES:
        raise Http404
    try:
        _issuing, der = authorities.chain("servers")
    except SignerUnavailable as error:
        return page(request, 503, _(MISSING), str(error), error.remedy)
    response = HttpResponse(authorities.pem(der) if form == "pem" else der, content_type=MEDIA_TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="latchkey-servers-root.{form}"'
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@require_safe
def status_face(request: HttpRequest) -> HttpResponse:
    """What is published here, for somebody who opens the address. No request in it: no cookie."""
    names = [name for authority in AUTHORITIES for name in (authority, f"{authority}-root")]
    context = {"names": names, "portal": settings.PORTAL_URL}
    return HttpResponse(render_to_string("portal/status_face.html", context))
