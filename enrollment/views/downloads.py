"""Taking the certificate, in the forms that systems ask for; and the way to the same page on a phone."""

from collections.abc import Callable
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts import links
from accounts import qr as codes
from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from audit import trail
from enrollment import proposals
from enrollment.models import CertificationRequest, Status
from pki import authorities, cms
from pki.authorities import pem
from pki.models import Certificate


def _pem(certificate: Certificate) -> bytes:
    return pem(bytes(certificate.der))


def _chain(certificate: Certificate) -> bytes:
    """The certificate, then its issuer, without the root: the order servers send them in (RFC 8446 4.4.2)."""
    return _pem(certificate) + pem(authorities.chain(certificate.authority)[0])


def _der(certificate: Certificate) -> bytes:
    return bytes(certificate.der)


def _p7b(certificate: Certificate) -> bytes:
    return cms.certs_only([bytes(certificate.der), *authorities.chain(certificate.authority)])


# What stands in the address -> the file's ending, the media type that systems react to, its maker. DER by
# RFC 2585 4.1, the chain by RFC 8555 9.1; .p7b as Windows registers it.
FORMS: dict[str, tuple[str, str, Callable[[Certificate], bytes]]] = {
    "pem": (".pem", "application/x-pem-file", _pem),
    "chain.pem": ("-chain.pem", "application/pem-certificate-chain", _chain),
    "cer": (".cer", "application/pkix-cert", _der),
    "p7b": (".p7b", "application/x-pkcs7-certificates", _p7b),
}


@requires(Role.REQUESTER)
@require_safe
def download(request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
    """The certificate as a file, for its owner only."""
    item = _issued(request, pk)
    if item.certificate is None:
        raise Http404
    return send(request, item.certificate, form, request_id=str(item.pk))


def send(request: HttpRequest, certificate: Certificate, form: str, *, request_id: str = "") -> HttpResponse:
    """`certificate` as a file of the kind `form`, noted in the audit. Who may have it is asked before."""
    if form not in FORMS:
        raise Http404
    ending, media_type, make = FORMS[form]
    data = make(certificate)
    detail = {"form": form, "common_name": certificate.subject, "serial": certificate.serial}
    if request_id:
        detail["request"] = request_id
    trail.record(
        "certificate.downloaded",
        actor=me(request).username,
        address=address_of(request),
        target=str(certificate.pk),
        detail=detail,
    )
    name = f"{proposals.slug(certificate.subject) or 'certificate'}{ending}"
    return attachment(data, media_type, name)


def attachment(data: bytes, media_type: str, name: str) -> HttpResponse:
    """A file to be kept; `name` is safe in a header (proposals.slug)."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(data, content_type=media_type, headers=headers)


@requires(Role.REQUESTER)
@require_safe
def qr(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The address of the request's page as a QR code, to open it on the phone."""
    item = get_object_or_404(CertificationRequest.objects.only("pk"), pk=pk, owner=me(request))
    address = links.reached(request, reverse("enrollment:request", args=[item.pk]))
    return HttpResponse(codes.svg(address), content_type="image/svg+xml")


def _issued(request: HttpRequest, pk: UUID) -> CertificationRequest:
    issued = CertificationRequest.objects.filter(status=Status.ISSUED, owner=me(request))
    return get_object_or_404(issued.select_related("certificate").defer("csr"), pk=pk)
