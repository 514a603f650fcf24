"""What the portal face answers."""

from importlib.util import find_spec

from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver

from portal import errors, views

pages = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.metrics, name="metrics"),
    path("status", views.status, name="status"),
    path("audit", views.audit, name="audit"),
    path("audit/trail.<str:format>", views.audit_export, name="audit-export"),
    path("trust", views.trust, name="trust"),
    path("trust/servers-root.<str:format>", views.trust_root, name="trust-root"),
    path("help", views.help_page, name="help"),
]

urlpatterns: list[URLPattern | URLResolver] = [path("", include((pages, "portal")))]
urlpatterns += [
    path("", include(f"{app}.urls")) for app in ("accounts", "enrollment") if find_spec(f"{app}.urls")
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
