"""Messages by Apprise, from stdin: `pushing.py` starts this file as a short-lived program of its own.

Apprise and what it loads take 50 MB and a second, and speak to servers that people name: so it runs confined,
knows neither our settings nor our database, and reaches no address of this machine. Plain Python.

A line of JSON in: {"url", "title", "body"}. Out: {"ready": true}; then, after a line "go", {"sent": true}.
Instead of each {"trouble": words}.
"""

import ipaddress
import json
import logging
import socket
import sys
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode

NOT_HERE = "Not sent: this address leads to the portal's own machine, or to no single one."
# Apprise has apps fetch its icons from github.com, which would tell there who gets messages and when.
NO_ICON = ""
_look_up = socket.getaddrinfo
_refused: list[str] = []  # what was looked up in vain for the present message


class Heard(logging.Handler):
    """What Apprise says while it sends: its warnings, and what it got to hear itself."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.levelno >= logging.WARNING or said.startswith(("Socket Exception", "Response Details")):
            self.words.append(" ".join(said.split())[:200])


def main() -> None:
    socket.getaddrinfo = look_up
    heard = Heard()
    log = logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    log.addHandler(heard)
    for line in sys.stdin:
        heard.words.clear()
        _refused.clear()
        _push(json.loads(line), heard)


def look_up(*args: Any, **kwargs: Any) -> list[Any]:
    """getaddrinfo without addresses of this machine: here every connection comes by, after redirects too."""
    found = [entry for entry in _look_up(*args, **kwargs) if may_reach(str(entry[4][0]))]
    if not found:
        _refused.append(NOT_HERE)
        raise socket.gaierror(socket.EAI_FAIL, NOT_HERE)
    return found


def may_reach(address: str) -> bool:
    """Not this machine (services trust who comes from there), not a cloud's metadata (169.254.169.254).

    The household's network is allowed: that is where its ntfy and its Home Assistant are.
    """
    plain = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(plain, "ipv4_mapped", None) or getattr(plain, "sixtofour", None) or plain
    return not (inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified)


def _push(job: dict[str, str], heard: Heard) -> None:
    memory = PersistentStoreMode.MEMORY
    asset = AppriseAsset(
        app_id="Latchkey",
        async_mode=False,
        storage_mode=memory,
        image_url_mask=NO_ICON,
        image_url_logo=NO_ICON,
    )
    robot = Apprise(asset=asset)
    # As one object: of a text Apprise makes as many addresses as it finds in it, of any kind.
    if (one := Apprise.instantiate(job["url"], asset=asset)) is None or not robot.add(one):
        _say(trouble="Apprise cannot read this address: something is missing in it.")
        return
    _say(ready=True)
    if sys.stdin.readline().strip() != "go":
        return
    if robot.notify(job["body"], job["title"], NotifyType.INFO, NotifyFormat.TEXT):
        _say(sent=True)
    else:
        _say(trouble="; ".join(_refused or heard.words) or "It was not taken, and no reason was given.")


def _say(**words: object) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    main()
