"""Pages that belong to no single app."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/home.html", {})


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse("", content_type="text/plain")


def status(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/status.html", {})


def audit(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/audit.html", {})


def audit_export(request: HttpRequest, format: str) -> HttpResponse:
    return HttpResponse("", content_type="text/plain")


def trust(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/trust.html", {})


def trust_root(request: HttpRequest, format: str) -> HttpResponse:
    return HttpResponse("", content_type="text/plain")


def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/help.html", {})


def status_face(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Latchkey\n", content_type="text/plain")
