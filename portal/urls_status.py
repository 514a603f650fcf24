"""What the status face answers: signed objects and SCEP over plain HTTP, no cookie."""

from django.urls import include, path

from portal import errors
from portal.views import ocsp, published, trust

urlpatterns = [
    path("", include(([path("", trust.status_face, name="face")], "status"))),
    path("crl/<str:name>.crl", published.crl, name="crl"),  # as pki's own, and notes who reads it
    path("ocsp/<str:name>", ocsp.ocsp_answer, name="ocsp"),
    path("ocsp/<str:name>/<path:encoded>", ocsp.ocsp_answer, name="ocsp_get"),
    path("", include("pki.urls")),
    path("", include("enrollment.protocols.urls")),
]

handler400 = errors.status_bad_request
handler404 = errors.status_not_found
handler500 = errors.status_error
