"""The pages about certificates that are there."""

from django.urls import path

from portal.views import certificates, paper, renewing, revoking, urging

app_name = "certificates"
urlpatterns = [
    path("certificates/", certificates.certificates, name="list"),
    path("certificates/list.<str:form>", certificates.export, name="export"),
    path("certificates/timeline", certificates.timeline, name="timeline"),
    path("certificates/renew", urging.urge, name="urge"),
    path("certificates/revoke", revoking.revoke, name="revoke"),
    path("certificates/revoked", revoking.done, name="done"),
    path("certificates/revoked/state", revoking.done_state, name="done-state"),
    path("certificates/readers", revoking.list_readers, name="readers"),
    path("certificates/readers/<int:pk>", revoking.name_reader, name="reader"),
    path("certificates/<uuid:pk>", certificates.detail, name="one"),
    path("certificates/<uuid:pk>/certificate.<str:form>", certificates.download, name="download"),
    path("certificates/<uuid:pk>/release", revoking.release, name="release"),
    path("certificates/<uuid:pk>/renew", renewing.renew, name="renew"),
    path("certificates/<uuid:pk>/paper", paper.paper, name="paper"),
    path("lost", paper.lost, name="lost"),
]
