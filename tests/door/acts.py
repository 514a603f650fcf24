"""Doors, rules and presses, in one line each."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from accounts import household
from accounts.models import User
from door import manage
from door.models import Door, Outcome, PinUse, Press, Rule

HERE = "192.0.2.1"


def make_door(by: User, name: str = "Front door", **values: Any) -> Door:
    """A door with the topics made from its name."""
    return manage.create({"name": name, **values}, by=by, address=HERE)


def practice_door() -> Door:
    """The one that every installation begins with; tests with real transactions sweep it away."""
    door, made = Door.objects.get_or_create(
        practice=True, defaults={"slug": "practice", "name": "Practice door", "pin": PinUse.NONE}
    )
    if made:
        let(None, door)
    return door


def let(person: User | None, door: Door, **values: Any) -> Rule:
    """A rule for a person, or for everybody."""
    return Rule.objects.create(door=door, person=person, **values)


def pressed(
    user: User,
    door: Door,
    outcome: str = Outcome.OPENED,
    *,
    at: datetime | None = None,
    device: str = "phone",
) -> Press:
    """A press that is over."""
    made = Press.objects.create(
        door=door,
        user=user,
        token=uuid4(),
        certificate=uuid4(),
        device=device,
        nonce=uuid4().hex,
        outcome=outcome,
        address=HERE,
    )
    if at is not None:
        Press.objects.filter(pk=made.pk).update(at=at)
        made.refresh_from_db()
    return made


def live_in(zone: str) -> None:
    """Move the household."""
    found = household.current()
    found.time_zone = zone
    found.save()
