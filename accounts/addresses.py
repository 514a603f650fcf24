"""Where a request came from."""

import ipaddress
from functools import lru_cache

from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The other end of the connection as text, "" when it has none (a Unix socket).

    Headers such as X-Forwarded-For are not looked at: whoever asks can write them.
    """
    return plain(str(request.META.get("REMOTE_ADDR", "")))


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """An address in its one form, "" for what is none (a Unix socket)."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:192.0.2.1, on a socket that serves both families
    return str(mapped or address)


def network_of(address: str) -> str:
    """What one attacker holds at least: an IPv4 address, or an IPv6 /64 (RFC 6177)."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
