"""What the check face answers, to whoever comes. Never a 403: Safari takes that for a refused certificate and
hides the page."""

from django.urls import path

from portal.views import check, renew

urlpatterns = [
    path("", check.look, name="look"),
    path("renew", renew.renew, name="renew"),
    path("renew/profile", renew.make_profile, name="renew-profile"),
    path("renew/profile.mobileconfig", renew.profile, name="renew-profile-file"),
    path("renew/certificate.p7b", renew.chain, name="renew-chain"),
]

handler400 = check.bad_request
handler403 = check.not_found  # nothing here raises PermissionDenied; should it ever, then not as a 403
handler404 = check.not_found
handler500 = check.server_error
