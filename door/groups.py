"""Groups of people who may the same; officers keep them, and every change is a line of the audit."""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User
from audit import trail
from door.manage import begin
from door.models import Group
from door.words import in_english


def create(name: str, members: Iterable[User], *, by: User, address: str = "") -> Group:
    """A new group. Raises Refused."""
    with transaction.atomic():
        _refuse(name, by)
        group = Group.objects.create(name=name)
        group.members.set(members)
        _record("door.group.created", group, by, address, {"members": _names(group)})
    return group


def change(group: Group, name: str, members: Iterable[User], *, by: User, address: str = "") -> Group:
    """Another name, other members; they count for the very next press. Raises Refused."""
    with transaction.atomic():
        _refuse(name, by, besides=group)
        found = Group.objects.select_for_update().get(pk=group.pk)
        before, called = set(_names(found)), found.name
        found.name = name
        found.save(update_fields=["name"])
        found.members.set(members)
        after = set(_names(found))
        detail = {"joined": sorted(after - before), "left": sorted(before - after)}
        if called != name:
            detail |= {"before": [called], "after": [name]}
        _record("door.group.changed", found, by, address, detail)
    return found


def remove(group: Group, *, by: User, address: str = "") -> None:
    """The group, and with it the rules that name it. Raises Refused."""
    with transaction.atomic():
        _refuse(group.name, by, besides=group)
        found = Group.objects.select_for_update().get(pk=group.pk)
        rules = [f"{rule.door}: {in_english(rule)}" for rule in found.rules.select_related("door", "group")]
        detail = {"members": _names(found), "rules": rules}
        found.delete()
        _record("door.group.removed", found, by, address, detail)


def taken(name: str, *, besides: Group | None = None) -> bool:
    """Whether another group is called so, capitals or not."""
    others = Group.objects.exclude(pk=besides.pk) if besides else Group.objects.all()
    return others.filter(name__iexact=name).exists()


def _refuse(name: str, by: User, besides: Group | None = None) -> None:
    begin(by)
    if taken(name, besides=besides):
        raise Refused(
            _("There is a group called %(name)s already.") % {"name": name}, _("Choose another name.")
        )
    if besides is not None and not Group.objects.filter(pk=besides.pk).exists():
        raise Refused(_("Somebody removed this group in the meantime."), _("Look at the list again."))


def _names(group: Group) -> list[str]:
    return list(group.members.order_by("username").values_list("username", flat=True))


def _record(action: str, group: Group, by: User, address: str, detail: Mapping[str, object]) -> None:
    trail.record(action, actor=by.username, address=address, target=group.name, detail=detail)
