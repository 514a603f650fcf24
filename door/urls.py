"""The door's face: what holders of a certificate see. Included by its own URL table, portal/urls_door.py."""

from django.urls import path

from door.views import install, page, past, press

app_name = "door"
urlpatterns = [
    path("", page.home, name="home"),
    path("doors/<slug:slug>/open", press.open_door, name="open"),
    path("presses/<uuid:pk>", press.pressed, name="press"),
    path("presses/<uuid:pk>/state", press.state, name="press-state"),
    path("history", past.history, name="history"),
    path("help", install.help_page, name="help"),
    path("manifest.webmanifest", install.manifest, name="manifest"),
]
