"""What the portal face answers."""

from django.contrib import admin
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView

from accounts.views import signin
from portal import errors
from portal.views import audit, home, status, trust

pages = [
    path("", home.home, name="home"),
    path("help", home.help_page, name="help"),
    path("help/devices", home.help_devices, name="help_devices"),
    path("status", status.status, name="status"),
    path("healthz", status.healthz, name="healthz"),
    path("metrics", status.metrics, name="metrics"),
    path("audit", audit.trail, name="audit"),
    path("audit/trail.<str:form>", audit.export, name="audit_export"),
    path("trust", trust.trust, name="trust"),
    path("trust/servers-root.<str:form>", trust.root, name="trust_root"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((pages, "portal"))),
    path("", include("accounts.urls")),
    path("", include("enrollment.urls")),
    path("", include("door.urls_portal")),
    path("", include("portal.urls_certificates")),
    # Signing out is noted in the audit trail; a new password needs a fresh second factor.
    path("admin/logout/", signin.logout),
    path("admin/password_change/", RedirectView.as_view(pattern_name="accounts:account")),
    path("admin/", admin.site.urls),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
