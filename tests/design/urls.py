"""Every name the shared templates link to, answered by nothing: enough to render them."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def _nothing(request: HttpRequest, **_: object) -> HttpResponse:
    return HttpResponse()


def _names(namespace: str, **paths: str) -> object:
    patterns = [path(where, _nothing, name=name) for name, where in paths.items()]
    return path("", include((patterns, namespace)))


urlpatterns = [
    _names("portal", home="", help="help", trust="trust", audit="audit", status="status"),
    _names("accounts", account="account", logout="logout", people="people", invite="people/invite"),
    _names(
        "enrollment",
        requests="requests/",
        submit="requests/new",
        request="requests/<uuid:pk>",
        queue="queue/",
        review="queue/<uuid:pk>",
    ),
]
