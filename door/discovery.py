"""How Home Assistant finds the doors: retained MQTT discovery messages, one device for each door.

Written to its documentation (home-assistant.io/integrations/mqtt, "MQTT discovery"). The templates inside are
Jinja and run in Home Assistant, at home: there a message that comes late or twice fires nothing, whatever
brokers did to it on the way (door/jinja.py has them).
"""

import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings

from door import jinja
from door.models import Door, PinUse

AVAILABILITY = "latchkey/door/availability"  # retained; the door service's will says OFFLINE
ONLINE, OFFLINE = b"online", b"offline"
TOPICS = "homeassistant/+/latchkey/+/config"  # a filter for all of them

Entity = dict[str, Any]


def messages(doors: Iterable[Door]) -> list[tuple[str, bytes]]:
    """Topic and JSON (UTF-8) for everything Home Assistant may know of `doors`; publish them retained.

    Give all doors, retired ones too: an empty payload takes an entity away that is no longer wanted.
    """
    return [
        (f"homeassistant/{component}/latchkey/{door.slug}/config", _payload(entity))
        for door in doors
        for component, entity in _entities(door).items()
    ]


def _payload(entity: Entity | None) -> bytes:
    return b"" if entity is None else json.dumps(entity, ensure_ascii=False).encode()


def _entities(door: Door) -> dict[str, Entity | None]:
    """Each kind of entity a door can have, None for what this one has not."""
    live = bool(door.topic) and not door.practice and door.retired_at is None
    made = {
        "button": _button(door),
        "event": _event(door),
        "lock": _lock(door),
        "sensor": _sensor(door),
    }
    return {kind: _common(door, kind) | entity if live and entity else None for kind, entity in made.items()}


def _common(door: Door, kind: str) -> Entity:
    """What all entities of a door say: that they are parts of one device, and when it can be reached."""
    return {
        "unique_id": f"latchkey_{door.slug}_{kind}",
        "availability_topic": AVAILABILITY,
        "qos": 1,
        "origin": {"name": "Latchkey", "sw_version": settings.VERSION},
        "device": {
            "identifiers": [f"latchkey_{door.slug}"],
            "name": door.name,
            "manufacturer": "Latchkey",
            "model": door.get_picture_display(),
            "sw_version": settings.VERSION,
            "configuration_url": settings.PORTAL_URL,
        },
    }


def _button(door: Door) -> Entity | None:
    """Opens from Home Assistant. Not where the home wants a PIN: a button has no place to type one."""
    if door.pin == PinUse.HOME:
        return None
    return {
        "name": "Open",
        "icon": "mdi:door-open",
        "command_topic": door.topic,
        "command_template": jinja.custom(door) if door.payload else jinja.press(door),
    }


def _event(door: Door) -> Entity:
    """Fires at each press: "pressed" after the checks, "unchecked" where the payload allows none."""
    return {
        "name": "Press",
        "icon": "mdi:gesture-tap-button",
        "state_topic": door.topic,
        "event_types": ["unchecked"] if door.payload else ["pressed"],
        "value_template": jinja.UNCHECKED if door.payload else jinja.checked(door),
    }


def _lock(door: Door) -> Entity | None:
    """Shows whether it is locked, and opens. Not with a payload of one's own: "lock" would send an "open"."""
    if door.payload or not door.state_topic:
        return None
    lock = {
        "name": "Lock",
        "command_topic": door.topic,
        "command_template": jinja.unlock(door),
        "state_topic": door.state_topic,
        "value_template": jinja.LOCK_STATE,
        "state_locked": "LOCKED",
        "state_unlocked": "UNLOCKED",
        "optimistic": False,
    }
    return lock | ({"code_format": "^[0-9]{4,}$"} if door.pin == PinUse.HOME else {})


def _sensor(door: Door) -> Entity | None:
    """The state in the home's own word, where there can be no lock."""
    if not (door.payload and door.state_topic):
        return None
    return {
        "name": "State",
        "icon": "mdi:door",
        "state_topic": door.state_topic,
        "value_template": jinja.STATE,
    }
