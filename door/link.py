"""Whether the door has its broker: noted by the door's process, read by the portal's status page."""

import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings


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
    before = read()
    if before.since and (before.connected, before.word) == (connected, word):
        return
    temporary = _file().with_suffix(".new")
    temporary.unlink(missing_ok=True)  # a link there is not followed
    now = datetime.now(UTC).isoformat()
    temporary.write_text(json.dumps({"connected": connected, "word": word, "since": now}))
    temporary.replace(_file())


def read() -> LinkState:
    """What was noted last."""
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
    return (
        f"What opens the doors goes to {broker['host']} unencrypted: whoever listens can open them too. "
        "Use mqtts:// (docs/brokers.md)."
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
