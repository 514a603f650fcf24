"""What the status face answers: signed objects only."""

from django.urls import path

from pki import views

app_name = "pki"
urlpatterns = [
    path("crl/<str:name>.crl", views.crl, name="crl"),
    path("ca/<str:name>.cer", views.certificate, name="certificate"),
]
