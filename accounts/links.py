"""The addresses of invitations, as those who get them reach the portal."""

from datetime import datetime
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def address(request: HttpRequest, token: str) -> str:
    """The link of an invitation."""
    return reached(request, reverse("accounts:invitation", args=[token]))


def reached(request: HttpRequest, path: str) -> str:
    """`path` under the name by which whoever asks reaches the portal, unless nobody else could."""
    here = urlsplit(f"//{request.get_host()}").hostname
    return settings.PORTAL_URL + path if here in _LOOPBACK else request.build_absolute_uri(path)


def letter(name: str, household: str, url: str, until: datetime) -> str:
    """What to write to somebody who gets a link: plain text, in the active time zone."""
    end = date_format(timezone.localtime(until), _("j F Y, H:i"))
    return _(
        "Hello %(name)s,\n\nthis is your link to %(household)s:\n%(url)s\n\nOpen it on your phone. It works"
        " once, until %(until)s, and whoever opens it first has it: please pass it on to nobody. The page"
        " leads you through the rest; you need an authenticator app.\n"
    ) % {"name": name, "household": household, "url": url, "until": end}


def mailto(email: str, subject: str, body: str) -> str:
    """A mailto address (RFC 6068) that opens a letter to be sent; "" without an e-mail address."""
    if not email:
        return ""
    body = body.replace("\n", "\r\n")  # RFC 6068 5: line breaks are %0D%0A
    return f"mailto:{quote(email, safe='@')}?subject={quote(subject)}&body={quote(body)}"
