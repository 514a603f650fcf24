"""Django's admin as a window: for administrators with a verified second factor, to look, not to change."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.guards import is_verified
from accounts.models import User


class Window(AdminSite):
    """What the apps register with is read-only (audit/readonly.py); this guards the door."""

    site_header = site_title = "Latchkey"
    index_title = "A window: to look, not to change"

    def has_permission(self, request: HttpRequest) -> bool:
        return is_verified(request.user) and isinstance(request.user, User) and request.user.is_administrator

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Nobody signs in here: the middleware sent strangers to our own page already."""
        if self.has_permission(request):
            return redirect("admin:index")
        raise Http404
