"""From where the portal can be reached at all, and from where what only officers, auditors and administrators
do there: networks that the household names. None named: from everywhere."""

import ipaddress
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import household
from accounts.addresses import address_of
from accounts.models import Role, User

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST = 50  # networks in one list
# Not "who": these guard themselves, or can do nothing but end one certificate with a code on paper.
FROM_EVERYWHERE = ("portal:healthz", "portal:metrics", "certificates:lost")
OVERSEERS = frozenset({Role.OFFICER.value, Role.AUDITOR.value, Role.ADMINISTRATOR.value})


class HouseholdOnly:
    """Middleware: whoever comes from outside of the household's networks sees one plain page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in _open_paths() or holds(
            household.current().portal_networks, address_of(request)
        ):
            return self.get_response(request)
        return outside()


def outside() -> HttpResponse:
    """403. It names neither the household nor its networks: nobody is known yet."""
    return HttpResponse(render_to_string("accounts/outside.html", {"bare": True}), status=403)


def withhold(request: HttpRequest, user: User) -> None:
    """Outside of the officers' networks an officer is a requester, or nobody in particular, for this request.

    Every page, Django's admin too, asks the account for its roles; so what is taken here is taken everywhere.
    """
    allowed = household.current().officer_networks
    if not user.roles & OVERSEERS or holds(allowed, address_of(request)):
        return
    user.withheld = user.roles & OVERSEERS
    for role in OVERSEERS:
        setattr(user, f"is_{role}", False)


def holds(networks: Sequence[str], address: str) -> bool:
    """Whether one of `networks` holds the address; without any every one does, a Unix socket's too."""
    if not networks:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in _networks(tuple(networks)))


def read(text: str) -> list[str]:
    """Networks and single addresses, one a line or with commas, in their one form. Raises ValidationError."""
    words = text.replace(",", " ").replace(";", " ").split()
    if len(words) > MOST:
        raise ValidationError(
            _("These are too many: %(most)s networks at most. Write neighbouring ones as one.")
            % {"most": MOST}
        )
    return list(dict.fromkeys(_one(word) for word in words))


def _one(word: str) -> str:
    try:
        interface = ipaddress.ip_interface(word)
    except ValueError:
        raise ValidationError(
            _("“%(word)s” is no network. Write it like 192.168.1.0/24, or 2001:db8:1::/48.")
            % {"word": word[:60]}
        ) from None
    mapped = getattr(interface.ip, "ipv4_mapped", None)  # no address is ever shown in that form
    network = interface.network
    if mapped is not None or "%" in word or not network.prefixlen:
        raise ValidationError(
            _("“%(word)s” is no network of one household. Leave the field empty to allow everything.")
            % {"word": word[:60]}
        )
    if interface.ip != network.network_address:
        raise ValidationError(
            _("“%(word)s” is one address within a network. Write %(network)s for all of it.")
            % {"word": word[:60], "network": network}
        )
    return str(network)


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


@cache
def _open_paths() -> frozenset[str]:
    return frozenset(reverse(name) for name in FROM_EVERYWHERE)
