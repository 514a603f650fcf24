"""Help, and what a phone wants to know before it puts the page on its home screen."""

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.templatetags.static import static
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from door.views.frame import DoorRequest, pin_page, show

ICON_SIZES = (192, 512)


@require_safe
def help_page(request: DoorRequest) -> HttpResponse:
    return show(request, "door/help.html", {"pin_page": pin_page(), "portal": settings.PORTAL_URL})


@require_safe
def manifest(request: DoorRequest) -> HttpResponse:
    """W3C Web App Manifest. `display` is "browser": only Safari itself has the certificate on an iPhone, and
    an app of its own, without Safari's bars, would not get in.
    """
    icons = [
        {"src": static(f"door/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in ICON_SIZES
    ]
    said = {
        "name": gettext("Doors: %(household)s") % {"household": request.household.name},
        "short_name": gettext("Doors"),
        "lang": get_language(),
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "browser",
        "theme_color": "#0b5c6b",
        "background_color": "#ffffff",
        "icons": icons,
    }
    return JsonResponse(said, content_type="application/manifest+json")
