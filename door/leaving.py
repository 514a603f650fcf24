"""What a person who leaves has here: rules of their own, groups, their PIN."""

from django.db import transaction

from accounts import household
from accounts.models import Household, User
from audit import trail
from door.models import Pin, Rule, Tries
from door.words import in_english


def rules(person: User) -> list[Rule]:
    """Those that name them, by door."""
    found = Rule.objects.filter(person=person).select_related("door", "person", "group")
    return list(found.order_by("door__name", "pk"))


def groups(person: User) -> list[str]:
    """The groups they are in."""
    return list(person.door_groups.order_by("name").values_list("name", flat=True))


def has_pin(person: User) -> bool:
    return Pin.objects.filter(user=person).exists()


def end(person: User, *, by: User, address: str) -> int:
    """Take them out of rules and groups, and forget their PIN and their wrong ones; how many rules, groups
    and PINs that were. A change like an officer's: one at a time (door/manage.py)."""
    with transaction.atomic():
        Household.objects.select_for_update().get(pk=household.current().pk)
        removed = [(rule, in_english(rule)) for rule in rules(person)]
        left = groups(person)
        pins = Pin.objects.filter(user=person).delete()[0]
        Tries.objects.filter(user=person).delete()
        Rule.objects.filter(pk__in=[rule.pk for rule, _words in removed]).delete()
        person.door_groups.clear()
        who = {"actor": by.username, "address": address}
        for rule, words in removed:
            detail = {"rule": words, "id": rule.pk}
            trail.record("door.rule.removed", **who, target=rule.door.slug, detail=detail)
        for name in left:
            trail.record("door.group.changed", **who, target=name, detail={"left": [person.username]})
    return len(removed) + len(left) + pins
