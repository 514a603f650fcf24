"""The status face's addresses, and a view that does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from portal import urls_status


def trivial(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"ok", content_type="application/octet-stream")


urlpatterns = [path("trivial", trivial), *urls_status.urlpatterns]
handler400, handler404, handler500 = urls_status.handler400, urls_status.handler404, urls_status.handler500
