"""What a press says to the home: its MQTT topic and its bytes.

A topic comes from the door's settings only. The payload is ours, JSON with a nonce, the time and a deadline,
or a template of the household's own, for a home that was there before.
"""

import json
import re
from datetime import datetime

from django.utils.translation import gettext as _

from door.models import Door, PinUse

TOPIC_BYTES = 200
TEMPLATE_LENGTH = 500
FIELDS = ("cn", "user", "pin", "door", "nonce", "time", "deadline")
_FIELD = re.compile(r"\{([A-Za-z_]*)\}")
_EXAMPLE = "latchkey/front-door/open"


def check_topic(text: str) -> None:
    """Raise ValueError, with a sentence, unless `text` can be published to (MQTT 5.0, 4.7.1 to 4.7.3)."""
    if not text or text != text.strip():
        raise _wrong_topic(_("A topic begins and ends with a letter, digit or sign, not with a blank."))
    if not text.isprintable():
        raise _wrong_topic(_("Leave out line breaks, tabs and characters that cannot be seen."))
    if "+" in text or "#" in text:
        raise _wrong_topic(_("+ and # stand for many topics; name exactly one."))
    if text[0] in "$/":
        raise _wrong_topic(_("Begin with a word, not with $ or /."))
    if len(text.encode()) > TOPIC_BYTES:
        raise _wrong_topic(
            _("Use %(limit)d bytes at most; a letter with an accent counts two.") % {"limit": TOPIC_BYTES}
        )


def _wrong_topic(why: str) -> ValueError:
    example = _("For example: %(topic)s") % {"topic": _EXAMPLE}
    return ValueError(f"{why} {example}")


def check_template(text: str) -> None:
    """Raise ValueError, with a sentence, unless `render` understands `text` as a payload template."""
    if not text.strip():
        raise ValueError(_("Write what the home expects, for example {cn}:{pin}:"))
    if len(text) > TEMPLATE_LENGTH:
        raise ValueError(_("Use %(limit)d characters at most.") % {"limit": TEMPLATE_LENGTH})
    if not text.isprintable():
        raise ValueError(_("Leave out line breaks, tabs and characters that cannot be seen."))
    unknown = [name for name in _FIELD.findall(text) if name not in FIELDS]
    if unknown:
        known = " ".join(f"{{{name}}}" for name in FIELDS)
        raise ValueError(
            _("%(field)s is not known here. What can be filled in: %(fields)s")
            % {"field": f"{{{unknown[0][:40]}}}", "fields": known}
        )


def fields_of(template: str) -> frozenset[str]:
    """The names that `template` fills in."""
    return frozenset(_FIELD.findall(template)) & frozenset(FIELDS)


def render(
    door: Door, *, cn: str, user: str, pin: str, nonce: str, at: datetime, deadline: datetime
) -> bytes:
    """The payload of one press, UTF-8. `cn` is the certificate's common name, `user` the user name.

    Moments become whole seconds since 1970. The PIN is in it only where the home checks it.
    """
    times = {"time": int(at.timestamp()), "deadline": int(deadline.timestamp())}
    passed = pin if door.pin == PinUse.HOME else ""
    if not door.payload:
        said: dict[str, object] = {"v": 1, "door": door.slug, "by": _visible(cn), "nonce": nonce, **times}
        if door.pin == PinUse.HOME:
            said["pin"] = _visible(passed)
        return json.dumps(said, separators=(",", ":")).encode()
    values = {"cn": cn, "user": user, "pin": passed, "door": door.slug, "nonce": nonce}
    values |= {name: str(value) for name, value in times.items()}
    return _filled(door.payload, values).encode()


def _filled(template: str, values: dict[str, str]) -> str:
    """`template` with its fields filled in, once: a value cannot bring along a field or a separator."""
    literals = {char for char in _FIELD.sub("", template) if not char.isalnum()} | {"\\"}

    def value(found: re.Match[str]) -> str:
        text = _visible(values[found[1]])
        return "".join("_" if char in literals else char for char in text)

    return _FIELD.sub(value, template)


def _visible(text: str) -> str:
    """Without control characters, lone surrogates and the like, which MQTT clients choke on."""
    return "".join(char if char.isprintable() else "_" for char in text)
