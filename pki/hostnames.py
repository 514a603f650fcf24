"""Host names and addresses for certificates: "dns:nas.home.arpa", "ip:192.168.1.2" (RFC 5280 4.2.1.6)."""

import ipaddress
import re
from collections.abc import Iterable, Sequence

from cryptography import x509

from pki.errors import IssuanceRefused
from pki.text import printable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_SANS = 100  # names and addresses in one certificate
MAX_HOST = 253  # RFC 1035 2.3.4, without the final dot
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # letters, digits, hyphens (RFC 1123 2.1)
_PREFIX = re.compile(r"(dns|ip|ip address):\s*(?=\S)", re.IGNORECASE)  # as we and openssl write them
_EXAMPLE = "Write a host name such as nas.home.arpa, or an address such as 192.168.1.2."


def san(text: str) -> str:
    """What somebody typed -> "dns:…" (lower case, A-labels) or "ip:…" (shortest form).

    Unchanged when it is such a value already. Raises IssuanceRefused(code="san") with the way out.
    """
    text = text.strip()
    if len(text) > 2 * MAX_HOST:
        raise _refused("This host name is too long.", f"A host name has at most {MAX_HOST} characters.")
    prefix = _PREFIX.match(text)
    host = text[prefix.end() :] if prefix else text
    address = _address(host.removeprefix("[").removesuffix("]"))
    wanted = prefix.group(1).lower() if prefix else ""
    if address and wanted != "dns":
        return f"ip:{_usable(address)}"
    if address or wanted.startswith("ip"):
        raise _refused(f"“{_shown(text)}” is not what its beginning says.", _EXAMPLE)
    return f"dns:{_host(host)}"


def general_names(sans: Iterable[str]) -> list[x509.GeneralName]:
    """For a certificate; each is checked again, and is in its normal form or IssuanceRefused(code="san")."""
    names: list[x509.GeneralName] = []
    for name in sans:
        if san(name) != name:
            raise _refused(f"“{_shown(name)}” is not in its normal form.", f"Write it as {san(name)}.")
        kind, _, value = name.partition(":")
        names.append(x509.DNSName(value) if kind == "dns" else x509.IPAddress(ipaddress.ip_address(value)))
    return names


def permitted(san: str, constraints: Sequence[str]) -> bool:
    """Whether permitted subtrees ("dns:home.arpa", "ip:10.0.0.0/8") let this name pass (RFC 5280 4.2.1.10).

    A DNS constraint covers itself and everything below it. A kind of name without any constraint is free.
    """
    kind, _, value = san.partition(":")
    bases = [
        base for constraint in constraints for form, _, base in [constraint.partition(":")] if form == kind
    ]
    if not bases:
        return True
    if kind == "dns":
        return any(value == base or value.endswith(f".{base}") for base in bases)
    address = ipaddress.ip_address(value)
    return any(address in ipaddress.ip_network(base) for base in bases)


def _refused(sentence: str, remedy: str) -> IssuanceRefused:
    return IssuanceRefused(sentence, code="san", remedy=remedy)


def _shown(text: str) -> str:
    return printable(text[:80])


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _usable(address: Address) -> Address:
    """The address as a server can have it; an IPv4 address in IPv6 clothes becomes plain."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise _refused(
                "An address in a certificate carries no zone.", "Leave out the % and what follows it."
            )
        address = address.ipv4_mapped or address
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        raise _refused(f"{address} is not the address of one machine.", _EXAMPLE)
    return address


def _host(text: str) -> str:
    """A host name in lower case with A-labels (RFC 5890 2.3.2.1), without a final dot."""
    if "://" in text or "/" in text or re.search(r":\d*$", text):
        raise _refused(
            f"“{_shown(text)}” is more than a host name.", f"Leave out https://, port and path. {_EXAMPLE}"
        )
    if "*" in text:
        raise _refused("Names with * are not issued.", "List the host names one by one.")
    if any(character.isspace() for character in text):
        raise _refused(f"“{_shown(text)}” contains a blank.", "Write one host name per line.")
    host = _ascii(text.removesuffix(".")).lower()
    labels = host.split(".")
    if len(host) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        remedy = (
            f"Host names have letters, digits, hyphens and dots, 63 characters between two dots. {_EXAMPLE}"
        )
        raise _refused(f"“{_shown(text)}” is not a host name.", remedy)
    if labels[-1].isdigit() or re.fullmatch(
        r"0x[0-9a-f]+", labels[-1]
    ):  # programs take these for IPv4 addresses
        raise _refused(f"“{_shown(text)}” is neither a host name nor a complete address.", _EXAMPLE)
    return host


def _ascii(text: str) -> str:
    """Non-ASCII names by IDNA 2003, which Python has built in; an xn-- name is taken as it is."""
    if text.isascii():
        return text
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        remedy = "Write it in its ASCII form, which begins with xn--."
        raise _refused(f"“{_shown(text)}” cannot be turned into a host name.", remedy) from None
