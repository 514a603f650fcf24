"""Under which name a passkey is made and used: the one in the browser's address bar, if it is a name.

A passkey is bound to its name for ever (WebAuthn Level 3, 4: RP ID); browsers make none for an IP address.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

LOCAL = "localhost"


@dataclass(frozen=True)
class Party:
    """`host` is the RP ID; `origin` what the browser says where it is."""

    host: str
    origin: str


def party(request: HttpRequest) -> Party | None:
    """None on an IP address.

    The port comes from the settings, not from the request: whatever else listens on this machine, under the
    same name, could pass its own visitors' answers on and say that it is us.
    """
    host = host_of(request)
    if host not in settings.HOSTS or is_address(host):
        return None
    return Party(host, origin(host))


def host_of(request: HttpRequest) -> str:
    """The name or address in the browser's address bar, without brackets and port."""
    return (urlsplit(f"//{request.get_host()}").hostname or "").rstrip(".")


def better_names(request: HttpRequest) -> list[str]:
    """The origins under which this portal has a name, for somebody who came by an address; best first."""
    names = [host for host in settings.HOSTS if not is_address(host)]
    here = host_of(request)
    if is_address(here) and ipaddress.ip_address(here).is_loopback:
        return [origin(LOCAL)]
    return [origin(host) for host in sorted(names, key=lambda name: "." not in name) if host != LOCAL]


def origin(host: str) -> str:
    """https://nas.local:8443; the port is left out when it is the usual one (RFC 6454 6.1)."""
    port = settings.PORTAL_BIND[1]
    return f"https://{host}" if port == 443 else f"https://{host}:{port}"


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
