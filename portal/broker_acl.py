"""Who may say and hear what at the broker beside the portal: Mosquitto's acl_file, made from the doors.

What is not allowed there is refused. Names are the common names of certificates (use_identity_as_username).
"""

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from door.discovery import AVAILABILITY
from door.manage import OWN_NAME
from door.models import Door
from pki import publication

Lines = list[str]
_KINDS = "homeassistant/+/latchkey"


def path() -> Path:
    """Where the rules lie for latchkey-broker-refresh to fetch."""
    return Path(settings.PUBLIC_DIR) / "mosquitto" / "acl"


def publish(*, first: bool = False) -> str:
    """Write the rules anew if doors have changed; gives a few words when they have, else "".

    Housekeeping's duty, once `manage.py mosquitto` has done it for the `first` time.
    """
    if not (first or path().exists()):
        return ""
    text = rules(served(), anonymous=is_plain()).encode()
    if path().exists() and path().read_bytes() == text:
        return ""
    publication.write(path(), text)
    return "new rules for the broker"


def is_plain() -> bool:
    """Whether the door connects without TLS, hence without a name of its own."""
    return settings.BROKER is not None and not settings.BROKER["tls"]


def served() -> list[Door]:
    """The doors that exist for brokers."""
    doors = Door.objects.filter(retired_at=None, practice=False).exclude(topic="")
    return list(doors.order_by("position", "slug"))


def rules(doors: Iterable[Door], *, anonymous: bool = False) -> str:
    """The acl_file's text. `anonymous`: the door comes in over the loopback, without a certificate."""
    doors = list(doors)
    # It reads, too, whether it is there: a will of its own that comes late is taken back (door/following.py).
    own = [f"topic {access} {AVAILABILITY}" for access in ("write", "read")]
    own.append("topic write homeassistant/+/latchkey/+/config")
    own += [line for door in doors for line in _of_the_service(door)]
    sections: list[tuple[str, Lines]] = [(f"user {OWN_NAME}", own)]
    if anonymous:  # what stands before the first "user" is for those without a name
        sections.insert(0, ("# on the loopback", own))
    for name in sorted({door.served_by for door in doors} - {"", OWN_NAME}):
        home = [f"topic read {AVAILABILITY}"]
        home += [line for door in doors if door.served_by == name for line in _of_the_home(door)]
        sections.append((f"user {name}", home))
    head = "# Written by Latchkey, from its doors. What is not allowed here is refused.\n"
    return head + "".join("\n" + "\n".join([name, *lines]) + "\n" for name, lines in sections)


def _of_the_service(door: Door) -> Lines:
    return [f"topic write {door.topic}", *([f"topic read {door.state_topic}"] if door.state_topic else [])]


def _of_the_home(door: Door) -> Lines:
    lines = [f"topic read {door.topic}", f"topic read {_KINDS}/{door.slug}/config"]
    return [*lines, *([f"topic write {door.state_topic}"] if door.state_topic else [])]
