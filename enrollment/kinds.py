"""Which device asks for the page, and which way to a certificate fits it.

A guess from the User-Agent, to propose and never to decide: people choose another one with a click.
"""

import re
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext_noop as _

Way = Literal["profile", "page"]  # the device makes its key by a profile; or the page makes it, for a .p12


@dataclass(frozen=True)
class Kind:
    """`name` stands in addresses, `title` in sentences; `call` is proposed as the device's name."""

    name: str
    title: str
    call: str
    way: Way
    small: bool = False  # held in the hand: nothing to be handed over to a phone


KINDS = {
    kind.name: kind
    for kind in (
        Kind("iphone", _("an iPhone"), "iPhone", "profile", small=True),
        Kind("ipad", _("an iPad"), "iPad", "profile", small=True),
        Kind("android", _("an Android device"), _("phone"), "page", small=True),
        Kind("mac", _("a Mac with Safari"), "Mac", "profile"),
        Kind("windows", "Windows", "PC", "page"),
        Kind("linux", _("Linux with Chrome or Chromium"), _("computer"), "page"),
        Kind("firefox", _("Firefox on a computer"), "Firefox", "page"),
        Kind("chrome", _("Chrome or Edge on a Mac"), "Mac", "page"),
    )
}
# How a .p12 is installed, in templates/enrollment/install/; and which kinds do it like another one.
SYSTEMS = {
    "android": "Android",
    "iphone": _("iPhone and iPad"),
    "windows": "Windows (Edge, Chrome)",
    "mac": "Mac (Safari, Chrome)",
    "linux": "Linux (Chrome, Chromium)",
    "firefox": _("Firefox on a computer"),
}
ALIKE = {"ipad": "iphone", "chrome": "mac", "other": ""}
OTHER = Kind("other", _("a device that we do not know"), _("device"), "page")

# In this order: each is looked for where those before were not found.
MARKS = (
    ("iphone", r"iPhone|iPod"),
    ("ipad", r"iPad"),
    ("android", r"Android"),
    ("firefox", r"Firefox/"),
    ("windows", r"Windows NT"),
    ("chrome", r"Macintosh.*Chrome/"),
    (
        "mac",
        r"Macintosh",
    ),  # and an iPad that says it is one: only its script knows (static/enrollment/device.js)
    ("linux", r"Linux|CrOS"),
)
# From these on a .p12 with AES is read; all of them still read the older form.
MODERN = ((r"(?:iPhone|CPU) OS (\d+)", 18), (r"Android (\d+)", 14))


def of(user_agent: str, chosen: str = "") -> Kind:
    """The device of this User-Agent, or the one of `chosen`, a name, when there is one of that name."""
    if chosen in KINDS:
        return KINDS[chosen]
    found = (name for name, mark in MARKS if re.search(mark, user_agent))
    return KINDS.get(next(found, ""), OTHER)


def is_safari(user_agent: str) -> bool:
    """On iPhone and iPad only Safari installs profiles and shows certificates to a website."""
    return "Safari/" in user_agent and not re.search(r"CriOS|FxiOS|EdgiOS|OPiOS|GSA/", user_agent)


def installing(user_agent: str, kind: Kind) -> dict[str, object]:
    """What the pages show of a .p12: how its system installs it, how the others do, which form it reads."""
    system = ALIKE.get(kind.name, kind.name)
    others = [(name, title) for name, title in SYSTEMS.items() if name != system]
    return {"system": system, "others": others, "build": build(user_agent)}


def build(user_agent: str) -> Literal["compat", "modern"]:
    """The form of .p12 that this device reads for certain. Chrome on Android tells no version here."""
    for mark, since in MODERN:
        found = re.search(mark, user_agent)
        if found and int(found[1]) >= since:
            return "modern"
    return "compat"
