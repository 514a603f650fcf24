"""Addresses of the door's pages in the portal: people's own, and what officers change."""

from django.urls import path

from door.views import groups, history, manage, pins, rules

app_name = "doors"
urlpatterns = [
    path("doors/", manage.doors, name="list"),
    path("doors/new", manage.new, name="new"),
    path("doors/pin", pins.pin, name="pin"),
    path("doors/tries/<uuid:pk>", pins.unlock, name="unlock"),
    path("doors/history", history.history, name="history"),
    path("doors/history.<str:form>", history.export, name="export"),
    path("doors/groups/", groups.group_list, name="groups"),
    path("doors/groups/new", groups.new, name="group-new"),
    path("doors/groups/<uuid:pk>", groups.change, name="group"),
    path("doors/groups/<uuid:pk>/remove", groups.remove, name="group-remove"),
    path("doors/<slug:slug>/", rules.door, name="door"),
    path("doors/<slug:slug>/edit", manage.edit, name="edit"),
    path("doors/<slug:slug>/retire", manage.retire, name="retire"),
    path("doors/<slug:slug>/rules/new", rules.add, name="rule-new"),
    path("doors/<slug:slug>/rules/<uuid:pk>", rules.change, name="rule"),
    path("doors/<slug:slug>/rules/<uuid:pk>/remove", rules.remove, name="rule-remove"),
]
