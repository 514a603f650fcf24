"""Settings that name a server of somebody else's, taken apart: the broker, the mail server.

What is wrong with one is said without repeating it: there may be a password inside.
"""

import ipaddress
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_CODED = "In a password write / as %2F, ? as %3F, # as %23, @ as %40, : as %3A and % as %25."
_MAIL_WAYS = (
    "Write it as smtp://user:password@mail.example.org:587/?tls=starttls&from=latchkey@example.org, or"
    " smtps://… for a server that begins with TLS."
)
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f-\x9f]+@[^@\s<>,;:\"()\[\]\\\x00-\x1f\x7f-\x9f]+")


def broker(name: str, text: str) -> dict[str, Any] | None:
    """`mqtts://broker.home.arpa:8883` or `mqtt://user:password@127.0.0.1` in its parts; None for ""."""
    if not text:
        return None
    ways = "Write it as mqtts://broker.home.arpa:8883, or mqtt://127.0.0.1:1883 for one on this machine."
    if text.partition("://")[0].lower() not in ("mqtt", "mqtts"):
        raise ImproperlyConfigured(f"{name} does not begin with mqtts:// or mqtt://. {ways}")
    parts, host, port = _taken_apart(text)
    if not host or port == 0 or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} is no address of a broker. {ways} {_CODED}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if password and not user:
        raise ImproperlyConfigured(f"{name} has a password and no user. {ways}")
    tls = parts.scheme == "mqtts"
    return {
        "host": host,
        "port": port or (8883 if tls else 1883),
        "tls": tls,
        "user": user,
        "password": password,
    }


def mail(name: str, text: str) -> dict[str, Any] | None:
    """`smtp://user:password@host:587/?tls=starttls&from=…` in its parts; None for "".

    `tls` is "starttls" (RFC 3207; the default of smtp://), "tls" from the first byte (RFC 8314 3.3; smtps://)
    or "none"; `sender` the address of the letters; `ca` a PEM text to trust instead of the system's, or "".
    """
    if not text:
        return None
    if text.partition("://")[0].lower() not in ("smtp", "smtps"):
        raise ImproperlyConfigured(f"{name} does not begin with smtp:// or smtps://. {_MAIL_WAYS}")
    parts, host, port = _taken_apart(text)
    if not host or port == 0 or parts.path not in ("", "/") or parts.fragment:
        raise ImproperlyConfigured(f"{name} is no address of a mail server. {_MAIL_WAYS} {_CODED}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ImproperlyConfigured(f"{name} has a user or a password, and not both. {_MAIL_WAYS}")
    options = _mail_options(name, parts)
    tls = _mail_tls(name, parts, options.get("tls", ""))
    if user and tls == "none" and not _is_here(host):
        raise ImproperlyConfigured(f"{name} would send the password in the open: leave tls=none out.")
    return {
        "host": host,
        "port": port or {"starttls": 587, "tls": 465, "none": 25}[tls],
        "tls": tls,
        "user": user,
        "password": password,
        "sender": _sender(name, options.get("from", ""), user, host),
        "ca": _authority(name, options.get("ca", "")),
    }


def _taken_apart(text: str) -> tuple[SplitResult, str | None, int | None]:
    try:
        parts = urlsplit(text)
        return parts, parts.hostname, parts.port
    except ValueError:
        return urlsplit(""), None, None


def _mail_options(name: str, parts: SplitResult) -> dict[str, str]:
    given = parse_qsl(parts.query, keep_blank_values=True)
    unknown = sorted({option for option, _ in given} - {"tls", "from", "ca"})
    if unknown:
        raise ImproperlyConfigured(f"{name} has an option that is not known; it knows tls, from and ca.")
    return dict(given)


def _mail_tls(name: str, parts: SplitResult, wanted: str) -> str:
    known = ("tls",) if parts.scheme == "smtps" else ("starttls", "none")
    if wanted and wanted not in known:
        raise ImproperlyConfigured(
            f"{name}: this tls= does not go with {parts.scheme}://, which knows {' and '.join(known)}."
        )
    return wanted or known[0]


def _sender(name: str, given: str, user: str, host: str) -> str:
    sender = given or (user if "@" in user else f"latchkey@{host}")
    if not _ADDRESS.fullmatch(sender):
        raise ImproperlyConfigured(
            f"{name}: the letters need a sender's address; add from=latchkey@example.org."
        )
    return sender


def _authority(name: str, file: str) -> str:
    """Read at the start: the processes that send may not open it later."""
    if not file:
        return ""
    try:
        text = Path(file).read_text()
        ssl.create_default_context(cadata=text)
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{name}: ca={file} holds no certificates in PEM that can be read."
        ) from error
    return text


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
