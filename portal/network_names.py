"""The names and addresses of this machine, as they are now, and the line that changes them."""

import ipaddress
import shlex
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from portal import tls

LOOPBACK = ("localhost", "127.0.0.1", "::1")
PROPOSED = "latchkey.home.arpa"  # RFC 8375: the domain for homes, always within the root's limits


@dataclass(frozen=True)
class Reached:
    """One of LATCHKEY_HOSTS: from where it works, and whether the household's root may vouch for it."""

    name: str
    where: str
    warned: bool


def reached() -> list[Reached]:
    """All that other devices can use, the one that stands in links first."""
    left_out = tls.left_out()
    return [Reached(host, _where(host), host in left_out) for host in settings.HOSTS if host not in LOOPBACK]


def line(*more: str) -> str:
    """What is typed to start with these names, `more` before them; for a shell."""
    names = dict.fromkeys([*more, *(found.name for found in reached())])
    return f"LATCHKEY_HOSTS={shlex.quote(' '.join(names))} make run"


def _where(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _of_name(host)
    if address.is_private:
        return _("in this network, while your router gives this machine the same address")
    return _("from everywhere, where your router lets it through")


def _of_name(host: str) -> str:
    if host.endswith(".local"):
        return _("in this network, on most phones and computers (mDNS)")
    if "." not in host:
        return _("in this network, where your router knows the name")
    return _("wherever this name leads to this machine")
