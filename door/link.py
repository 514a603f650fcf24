"""Whether the door has its broker: noted by the door's process, read by the portal's status page."""

import ipaddress
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.foreign import translated

# What door/mqtt.py and door/connection.py say, whose process speaks English.
_SAID = (
    gettext_noop("The door has not started yet."),
    gettext_noop("Connected to %(host)s."),
    gettext_noop("The door has stopped."),
    gettext_noop("The certificate of the broker at %(host)s, port %(port)s is refused: %(why)s."),
    gettext_noop("There is no TLS with the broker at %(host)s, port %(port)s: %(why)s."),
    gettext_noop("The door has no certificate for the broker yet; it gets one as soon as the signer runs."),
    gettext_noop("The broker at %(host)s, port %(port)s does not answer."),
    gettext_noop("No address is known for the broker %(host)s."),
    gettext_noop("No broker listens at %(host)s, port %(port)s."),
    gettext_noop("The broker accepts the connection, but says nothing."),
    gettext_noop("The broker refuses us: %(why)s."),
    gettext_noop("The broker does not answer."),
    gettext_noop("The connection to the broker is gone."),
    gettext_noop("The broker closed the connection."),
    gettext_noop("The connection to the broker is not up yet."),
)


@dataclass(frozen=True)
class LinkState:
    """The connection to the broker, and since when it is so (UTC; None: nothing was noted yet)."""

    connected: bool
    word: str  # a sentence for people: what is wrong, or whom it is connected to
    since: datetime | None


def _file() -> Path:
    path: Path = settings.WEB_DIR / "door-link.json"
    return path


def note(connected: bool, word: str) -> None:
    """Write it down, if it is news: once for each change, for the sake of SD cards."""
    before = _noted()
    if before.since and (before.connected, before.word) == (connected, word):
        return
    temporary = _file().with_suffix(".new")
    temporary.unlink(missing_ok=True)  # a link there is not followed
    now = datetime.now(UTC).isoformat()
    temporary.write_text(json.dumps({"connected": connected, "word": word, "since": now}))
    temporary.replace(_file())


def read() -> LinkState:
    """What was noted last, in the active language."""
    found = _noted()
    return replace(found, word=translated(found.word, _SAID))


def _noted() -> LinkState:
    try:
        noted = json.loads(_file().read_text())
        return LinkState(bool(noted["connected"]), str(noted["word"]), datetime.fromisoformat(noted["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return LinkState(False, "The door has not started yet.", None)


def warning() -> str:
    """What is dangerous about LATCHKEY_MQTT_URL, in a sentence; "" for nothing."""
    broker = settings.BROKER
    if broker is None or broker["tls"] or _is_this_machine(broker["host"]):
        return ""
    return _(
        "What opens the doors goes to %(broker)s unencrypted: whoever listens can open them "
        "too. Use mqtts:// (docs/brokers.md)."
    ) % {"broker": broker["host"]}


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
