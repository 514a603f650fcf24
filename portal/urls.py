"""What the portal face answers."""

from django.contrib import admin
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver
from django.views.generic import RedirectView

from accounts.views import signin
from portal import errors
from portal.views import audit, evening, helping, home, leaving, status, trust

pages = [
    path("", home.home, name="home"),
    path("help", helping.guide, name="help"),
    path("help/devices", helping.devices, name="help_devices"),
    path("help/words", helping.words, name="words"),
    path("evening", evening.evening, name="evening"),
    path("evening/officer/invite", evening.officer, name="evening-officer"),
    path("evening/<slug:name>", evening.step, name="evening-step"),
    path("status", status.status, name="status"),
    path("healthz", status.healthz, name="healthz"),
    path("metrics", status.metrics, name="metrics"),
    path("audit", audit.trail, name="audit"),
    path("audit/trail.<str:form>", audit.export, name="audit_export"),
    path("people/<uuid:pk>/leave", leaving.leave, name="leave"),
    path("people/<uuid:pk>/left", leaving.left, name="left"),
    path("people/<uuid:pk>/left/state", leaving.left_state, name="left-state"),
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
