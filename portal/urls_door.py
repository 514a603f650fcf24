"""What the door answers, to holders of a live certificate. Never a 403: Safari takes that for a refused
certificate and hides the page."""

from django.urls import include, path

from portal import errors_door

urlpatterns = [path("", include("door.urls"))]

handler400 = errors_door.bad_request
handler403 = errors_door.not_found  # nothing here raises PermissionDenied; should it ever, then not as a 403
handler404 = errors_door.not_found
handler500 = errors_door.server_error
