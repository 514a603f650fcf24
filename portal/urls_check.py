"""What the check face answers, to whoever comes. Never a 403: Safari takes that for a refused certificate and
hides the page."""

from django.urls import path

from portal.views import check

urlpatterns = [path("", check.look, name="look")]

handler400 = check.bad_request
handler403 = check.not_found  # nothing here raises PermissionDenied; should it ever, then not as a 403
handler404 = check.not_found
handler500 = check.server_error
