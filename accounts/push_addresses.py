"""Addresses that Apprise knows: which of them people may enter, and what is shown of them.

Apprise reaches over a hundred services, some of which post to any URL, publish to a broker (which opens
doors), or run on this machine. Allowed are those that notify a person, without options that name files or
other servers. Where the connection goes in the end is looked at when something is sent (portal/pusher.py).
"""

import ipaddress
import re
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ValidationError

# Scheme -> what people call it.
SERVICES = {
    "ntfy": "ntfy",
    "ntfys": "ntfy",
    "gotify": "Gotify",
    "gotifys": "Gotify",
    "hassio": "Home Assistant",
    "hassios": "Home Assistant",
    "matrix": "Matrix",
    "matrixs": "Matrix",
    "nctalk": "Nextcloud Talk",
    "nctalks": "Nextcloud Talk",
    "signal": "Signal",
    "signals": "Signal",
    "tgram": "Telegram",
    "threema": "Threema",
    "pover": "Pushover",
    "bark": "Bark",
    "barks": "Bark",
    "discord": "Discord",
    "slack": "Slack",
    "zulip": "Zulip",
    "mailto": "E-mail",
    "mailtos": "E-mail",
}
# With a host before the path, which is no secret; of the others it is a token.
HOSTED = frozenset(SERVICES) - {"tgram", "threema", "pover", "discord", "slack", "zulip"}
# Options after the "?": what says where to and how, nothing that reads a file or fetches from elsewhere.
OPTIONS = frozenset(
    {
        *("auth", "device", "format", "from", "group", "level", "mode", "name", "nid", "pass", "prefix"),
        *("priority", "secret", "silent", "smtp", "sound", "tags", "thread", "to", "token", "topic", "user"),
        *("verify", "version", "xtags"),
    }
)
MAX_LENGTH = 500
EXAMPLE = "Write it as your service has it, for example ntfys://ntfy.sh/a-topic-nobody-guesses."


def check(text: str) -> str:
    """The address, stripped. Raises ValidationError with a sentence that does not repeat it."""
    text = text.strip()
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if not scheme:
        raise ValidationError(f"This is no address of a notification service. {EXAMPLE}")
    if scheme not in SERVICES:
        raise ValidationError(
            f"Addresses that begin with {scheme[:20]}:// are not used here; this page lists what is."
        )
    if not text.isascii() or not text.isprintable() or any(char.isspace() for char in text):
        raise ValidationError("There is a blank or a special letter in it: write those as %20 and so on.")
    try:
        parts = urlsplit(text)
        host, options = parts.hostname, _options(text)
        if scheme in HOSTED:
            _ = parts.port  # raises for one that is no number
    except ValueError as error:
        raise ValidationError(f"This address cannot be read. {EXAMPLE}") from error
    if not host:
        raise ValidationError(f"Something is missing after {scheme}://. {EXAMPLE}")
    if unknown := sorted(name.lstrip("+-:") for name in options if name.lstrip("+-:") not in OPTIONS):
        raise ValidationError(f"Leave this option out: {unknown[0][:30]}. It is not used here.")
    if text.count("://") > 1:
        raise ValidationError("This is more than one address: add each by itself.")
    _refuse_own_machine(host)
    return text


def _options(text: str) -> set[str]:
    """Their names as Apprise finds them: behind any "?", after ";" as after "&", behind a "#" too."""
    query = re.sub("[?;#]", "&", text.partition("?")[2])
    return {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}


def _refuse_own_machine(host: str) -> None:
    """Names are looked up when something is sent; this is for who types an address in full."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
        inside = address.is_loopback or address.is_link_local or address.is_unspecified
    except ValueError:
        inside = host.rstrip(".") == "localhost" or host.endswith(".localhost")
    if inside:
        raise ValidationError(
            "This leads to the portal's own machine, where nothing is sent. Use the name or address by which"
            " the rest of the household reaches that server."
        )


def shown(url: str) -> str:
    """What is said of an address on a page: the service, and the host where it is no secret."""
    parts = urlsplit(url)
    title = SERVICES.get(parts.scheme.lower(), "Unknown")
    with_host = parts.scheme.lower() in HOSTED and parts.path.strip("/")
    return f"{title}, {parts.hostname}" if with_host and parts.hostname else title
