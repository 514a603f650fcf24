"""What the status face answers: signed objects over plain HTTP, no person's data, no cookie."""

from django.urls import include, path

from portal import errors
from portal.views import trust

urlpatterns = [
    path("", include(([path("", trust.status_face, name="face")], "status"))),
    path("", include("pki.urls")),
]

handler400 = errors.bad_request
handler404 = errors.status_not_found
handler500 = errors.status_error
