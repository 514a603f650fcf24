"""The pages that help: by task, by device, by word."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.guide import WORDS


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """What can be done on which page, and the way out when something is in the way."""
    return render(request, "portal/help.html", {"check_url": settings.CHECK_URL})


@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/help_devices.html", {"check_url": settings.CHECK_URL})


@require_safe
def words(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/words.html", {"words": WORDS})
