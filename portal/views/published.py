"""A revocation list, and who reads it."""

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from pki import views
from portal import readers


@require_safe
def crl(request: HttpRequest, name: str) -> HttpResponseBase:
    """The CRL of an authority or of its root, on the status face."""
    answer = views.crl(request, name)
    readers.note(request, name, answer)
    return answer
