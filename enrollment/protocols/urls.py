"""What programs ask of the RA on the status face."""

from django.urls import path

from enrollment.protocols import scep

app_name = "scep"
urlpatterns = [path("scep/clients", scep.clients, name="clients")]
