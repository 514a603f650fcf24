"""What officers do to doors and their rules; every change is a line of the audit with before and after."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import household
from accounts.errors import Refused
from accounts.models import Household, User
from audit import trail
from door.models import Door, Rule
from door.words import in_english

FIELDS = (
    *("name", "picture", "colour", "position", "topic", "payload", "state_topic", "served_by"),
    *("pin", "presses_per_hour", "valid_seconds"),
)
RULE_FIELDS = ("person", "group", "weekdays", "starts", "ends", "first_day", "last_day")
OWN_NAME = "latchkey-door"  # the common name of the door's own certificate at the broker
_RESERVED = {"new", "groups", "history", "pin", "tries"}  # addresses of the portal's pages (urls_portal.py)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
Values = Mapping[str, Any]


def create(values: Values, *, by: User, address: str = "") -> Door:
    """A new door. `values`: any of FIELDS; topics left out become latchkey/<slug>/…. Raises Refused."""
    with transaction.atomic():
        begin(by)
        door = Door(slug=_new_slug(str(values["name"])))
        _set(door, values)
        door.topic = door.topic or topic_of(door.slug, "open")
        if "state_topic" not in values:
            door.state_topic = topic_of(door.slug, "state")
        _refuse_shared(door)
        door.save(force_insert=True)
        _record("door.created", door, by, address, {name: getattr(door, name) for name in FIELDS})
    return door


def change(door: Door, values: Values, *, by: User, address: str = "") -> Door:
    """Give a door other values, any of FIELDS; its slug stays. Raises Refused."""
    with transaction.atomic():
        found = _locked(door, by)
        before = {name: getattr(found, name) for name in FIELDS}
        _set(found, values)
        _refuse_shared(found)
        changed = {name: old for name, old in before.items() if getattr(found, name) != old}
        if changed:
            found.save(update_fields=list(changed))
            detail = {name: {"before": old, "after": getattr(found, name)} for name, old in changed.items()}
            _record("door.changed", found, by, address, detail)
    return found


def retire(door: Door, *, by: User, address: str = "") -> Door:
    """Take a door away from everybody, for good; its history stays. Raises Refused."""
    with transaction.atomic():
        found = _locked(door, by)
        found.retired_at = timezone.now()
        found.save(update_fields=["retired_at"])
        _record("door.retired", found, by, address, {"name": found.name, "topic": found.topic})
    return found


def add_rule(door: Door, values: Values, *, by: User, address: str = "") -> Rule:
    """Open a door for somebody. `values`: RULE_FIELDS; what is left out restricts nothing. Raises Refused."""
    with transaction.atomic():
        rule = Rule(door=_locked(door, by), **{name: values[name] for name in RULE_FIELDS if name in values})
        rule.save(force_insert=True)
        _record("door.rule.added", rule.door, by, address, {"rule": in_english(rule), "id": rule.pk})
    return rule


def change_rule(rule: Rule, values: Values, *, by: User, address: str = "") -> Rule:
    """Give a rule other values, any of RULE_FIELDS. Raises Refused."""
    with transaction.atomic():
        found = _locked_rule(rule, by)
        before = in_english(found)
        for name in RULE_FIELDS:
            setattr(found, name, values.get(name, getattr(found, name)))
        found.save()
        if (after := in_english(found)) != before:
            detail = {"before": before, "after": after, "id": found.pk}
            _record("door.rule.changed", found.door, by, address, detail)
    return found


def remove_rule(rule: Rule, *, by: User, address: str = "") -> None:
    """From now on nobody gets in by this rule. Raises Refused."""
    with transaction.atomic():
        found = _locked_rule(rule, by)
        detail = {"rule": in_english(found), "id": found.pk}
        found.delete()
        _record("door.rule.removed", found.door, by, address, detail)


def shared_topic(topics: list[str], *, besides: Door | None = None) -> Door | None:
    """Another door in use that publishes to, or listens at, one of `topics`; None when they are free."""
    wanted = set(filter(None, topics))
    others = Door.objects.filter(retired_at=None)
    others = others.exclude(pk=besides.pk) if besides else others
    return next((door for door in others.order_by("pk") if wanted & {door.topic, door.state_topic}), None)


def topic_of(slug: str, what: str) -> str:
    """The topic that a door has unless it is told: what is "open" or "state"."""
    return f"latchkey/{slug}/{what}"


def begin(by: User) -> None:
    """A change by an officer begins: one at a time, so that what is checked first holds to the end."""
    Household.objects.select_for_update().get(pk=household.current().pk)
    if not (by.is_active and by.is_officer):
        raise Refused(_("Only officers may do this."), _("Ask one."))


def _locked(door: Door, by: User) -> Door:
    """The door as it is now, waiting for whoever else changes it."""
    begin(by)
    found = Door.objects.select_for_update().get(pk=door.pk)
    if found.retired_at is not None:
        raise Refused(_("%(name)s is retired.") % {"name": found.name}, _("Make a new door instead."))
    return found


def _locked_rule(rule: Rule, by: User) -> Rule:
    _locked(rule.door, by)
    found = Rule.objects.select_related("door", "person", "group").filter(pk=rule.pk).first()
    if found is None:
        raise Refused(_("Somebody removed this rule in the meantime."), _("Look at the door's rules again."))
    return found


def _set(door: Door, values: Values) -> None:
    for name in FIELDS:
        setattr(door, name, values.get(name, getattr(door, name)))


def _refuse_shared(door: Door) -> None:
    """One topic, one meaning: a message must not open two doors, nor a door hear its own command."""
    if door.topic and door.topic == door.state_topic:
        raise Refused(
            _("The home answers on the topic on which it is asked."), _("Give its state another topic.")
        )
    other = shared_topic([door.topic, door.state_topic], besides=door if door.pk else None)
    if other is not None:
        raise Refused(
            _("%(name)s uses one of these topics already.") % {"name": other.name}, _("Choose another one.")
        )


def _new_slug(name: str) -> str:
    """For addresses and topics: "Front door" -> front-door, made once; a number where it is taken."""
    plain = slugify(name.translate(_UMLAUTS))[:36].strip("-_") or "door"
    taken = set(Door.objects.filter(slug__startswith=plain).values_list("slug", flat=True)) | _RESERVED
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in range(1, 1000))
    return next(slug for slug in numbered if slug not in taken)


def _record(action: str, door: Door, by: User, address: str, detail: Values) -> None:
    trail.record(action, actor=by.username, address=address, target=door.slug, detail=detail)
