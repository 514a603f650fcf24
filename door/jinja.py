"""Templates that Home Assistant runs: it makes our messages with some, and judges received ones with others.

Jinja as Home Assistant extends it (`now`, `to_json`, `value_json`, `this`). Nothing a person typed becomes
part of a template other than as an escaped string literal.
"""

import re

from door.models import Door, PinUse

SKEW = 10  # seconds that the clocks of portal and home may differ, at most
REMEMBERED = 40  # nonces; more cannot come within the seconds that a message stays valid

_NOW = "{%- set at = now().timestamp() | int -%}"
# 16 bytes. Home Assistant's sandbox allows no range longer than 100,000.
_NONCE = "{% for _ in range(8) %}{{ '%04x' | format(range(65536) | random) }}{% endfor %}"
_SET_NONCE = f"{{%- set nonce %}}{_NONCE}{{% endset -%}}"


def press(door: Door) -> str:
    """A template for the default payload (door/payload.py), as if somebody called Home Assistant pressed."""
    return _SET_NONCE + _NOW + "{{ " + _fields(door) + " | to_json }}"


def unlock(door: Door) -> str:
    """The same for a lock's commands; its code is the PIN where the home wants one.

    LOCK gives an empty message, which no home of ours takes for an "open": from here doors only open.
    """
    fields = _fields(door)
    if door.pin == PinUse.HOME:
        fields = f"dict({fields}, pin=code | default('', true))"
    return _SET_NONCE + _NOW + "{% if value != 'LOCK' %}{{ " + fields + " | to_json }}{% endif %}"


def _fields(door: Door) -> str:
    return (
        f"{{'v': 1, 'door': {literal(door.slug)}, 'by': 'Home Assistant', 'nonce': nonce | trim, "
        f"'time': at, 'deadline': at + {door.valid_seconds:d}}}"
    )


def custom(door: Door) -> str:
    """An officer's own payload template, with what Home Assistant can say for each of its names."""
    values = {
        "cn": "Home Assistant",
        "user": "homeassistant",
        "pin": "",
        "door": literal_output(door.slug),
        "nonce": _NONCE,
        "time": "{{ now().timestamp() | int }}",
        "deadline": f"{{{{ now().timestamp() | int + {door.valid_seconds:d} }}}}",
    }
    parts = re.split(rf"\{{({'|'.join(values)})\}}", door.payload)  # text and names take turns
    return "".join(values[part] if place % 2 else literal_output(part) for place, part in enumerate(parts))


def checked(door: Door) -> str:
    """The event "pressed" for a message that is for this door, in time and new; nothing for any other.

    The entity's own attributes remember the nonces. Home Assistant shows who it was, but never a PIN.
    """
    return f"""\
{{%- set m = value_json if value_json is defined and value_json is mapping else {{}} -%}}
{{%- set seen = this.attributes.nonces | default([], true) -%}}
{{%- set at = now().timestamp() -%}}
{{%- if m.v == 1 and m.door == {literal(door.slug)} and m.nonce is string and m.nonce not in seen
  and m.deadline is number and at <= m.deadline and m.deadline <= at + {door.valid_seconds + SKEW:d} -%}}
{{{{ dict(event_type='pressed', by=m.by, state_topic={literal(door.state_topic)},
  nonce=m.nonce, deadline=m.deadline, nonces=([m.nonce] + seen)[:{REMEMBERED}]) | to_json }}}}
{{%- endif -%}}"""


# A payload of one's own carries nothing to check. It may carry a PIN, so nothing of it is shown.
UNCHECKED = '{"event_type": "unchecked"}'

_WORD = (
    "{%- set word = (value_json.state if value_json is defined and value_json is mapping else value)"
    " | string | lower -%}"
)
STATE = _WORD + "{{ word[:40] }}"
LOCK_STATE = (
    _WORD
    + "{{ 'LOCKED' if word in ('locked', 'closed')"
    + " else 'UNLOCKED' if word in ('unlocked', 'opened', 'open') }}"
)


def literal(text: str) -> str:
    """`text` as a Jinja string literal that ends nowhere early: ASCII, its quotes escaped."""
    escaped = text.encode("unicode_escape").decode("ascii").replace("'", "\\x27")
    return f"'{escaped}'"


def literal_output(text: str) -> str:
    """A template that gives just `text`."""
    return f"{{{{ {literal(text)} }}}}" if text else ""
