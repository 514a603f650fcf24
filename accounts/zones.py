"""Time zones people can choose, and the one this machine is in."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from zoneinfo import available_timezones

_DATABASE = "zoneinfo/"


@cache
def choices() -> list[tuple[str, str]]:
    """Areas and cities ("Europe/Vienna"), and UTC first; without the database of zones UTC alone."""
    zones = (
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))
    )
    return [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in sorted(zones))]


def of_this_machine() -> str:
    """From /etc/localtime or /etc/timezone; UTC when neither names a zone we know."""
    known = {zone for zone, _ in choices()}
    return next((zone for zone in _named() if zone in known), "UTC")


def _named() -> list[str]:
    found = [str(Path("/etc/localtime").resolve()).rpartition(_DATABASE)[2]]
    with suppress(OSError, ValueError):
        found.append(Path("/etc/timezone").read_text().strip())
    return found
