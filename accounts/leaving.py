"""Somebody leaves: their account shuts at once, with everything that hangs on it and no other room has.

What the other rooms have of them ends after it (portal/leaving.py); until then `Departure` stays unfinished.
"""

from collections.abc import Callable

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django_otp import devices_for_user

from accounts import people
from accounts.errors import Refused
from accounts.models import (
    AskedBack,
    CalendarLink,
    Channel,
    Departure,
    Invitation,
    RecoveryDevice,
    Role,
    User,
)
from audit import trail

NEEDED = (Role.ADMINISTRATOR, Role.OFFICER)  # of each of them one stays


def shut(person: User, *, by: User, address: str) -> Departure:
    """Close the account and take its roles. Raises Refused, naming who could follow on the last one's post.

    Password, app, passkeys and recovery codes work no more, should it ever be opened again.
    """
    with transaction.atomic():
        found = people.for_administrator(person, by)
        list(User.objects.select_for_update().filter(is_officer=True).order_by("pk"))  # two go one by one
        refuse_last(found)
        roles, found.is_active = found.roles, False
        for role in people.ROLES:
            setattr(found, f"is_{role}", False)
        found.set_unusable_password()
        found.save(update_fields=["is_active", "password", *(f"is_{role}" for role in people.ROLES)])
        departure, _made = Departure.objects.update_or_create(
            user=found,
            defaults={"by": by, "address": address, "ended": {}, "trouble": "", "finished_at": None},
        )
        detail = {"roles": roles}
        trail.record("person.left", actor=by.username, address=address, target=found.username, detail=detail)
    return departure


def refuse_last(person: User) -> None:
    """Raise Refused while nobody else has a role that a household cannot do without."""
    for role in NEEDED:
        others = User.objects.filter(is_active=True, **{f"is_{role}": True}).exclude(pk=person.pk)
        if role.value in person.roles and not others.exists():
            raise Refused(_LAST[role](person), _successors(person))


def factors(person: User) -> list[str]:
    """What they could sign in with, by its names."""
    return [
        _("Recovery codes") if isinstance(device, RecoveryDevice) else str(device.name)
        for device in devices_for_user(person, confirmed=None)
    ]


def end_factors(person: User) -> int:
    found = list(devices_for_user(person, confirmed=None))
    for device in found:
        device.delete()
    return len(found)


def links(person: User) -> QuerySet[Invitation]:
    """Open ones that they made, and those that let them back in."""
    rows = Invitation.objects.filter(used_at=None)
    return (rows.filter(made_by=person) | rows.filter(account=person)).order_by("-made_at")


def end_links(person: User, *, by: User, address: str) -> int:
    with transaction.atomic():
        found = list(links(person).select_related("account").select_for_update(of=("self",)))
        Invitation.objects.filter(pk__in=[link.pk for link in found]).delete()
        AskedBack.objects.filter(account=person).update(account=None)
        for link in found:
            target = link.account.username if link.account else link.full_name
            trail.record("invitation.withdrawn", actor=by.username, address=address, target=target)
    return len(found)


def channels(person: User) -> list[str]:
    return list(Channel.objects.filter(user=person).order_by("name").values_list("name", flat=True))


def end_channels(person: User) -> int:
    """What still waits to be sent goes with them."""
    return _gone(Channel, Channel.objects.filter(user=person))


def has_calendar(person: User) -> bool:
    return CalendarLink.objects.filter(user=person).exists()


def end_calendar(person: User) -> int:
    return _gone(CalendarLink, CalendarLink.objects.filter(user=person))


def _gone(model: type[Model], rows: QuerySet[Channel] | QuerySet[CalendarLink]) -> int:
    """How many of `model` there were: what is deleted along with them does not count."""
    return rows.delete()[1].get(model._meta.label, 0)


def _successors(person: User) -> str:
    """Who could follow: everybody else who is here."""
    found = list(
        User.objects.filter(is_active=True).exclude(pk=person.pk).order_by("full_name", "username")[:6]
    )
    if not found:
        return _("Nobody else is here yet: invite somebody first.")
    named = ", ".join(user.both_names for user in found[:5]) + (" …" if found[5:] else "")
    return _("Give somebody else that role first, on their page. It could be: %(names)s.") % {"names": named}


def _last_administrator(person: User) -> str:
    return _("%(name)s is the only administrator.") % {"name": person.both_names}


def _last_officer(person: User) -> str:
    return _("%(name)s is the only officer: nobody could decide on requests.") % {"name": person.both_names}


_LAST: dict[Role, Callable[[User], str]] = {
    Role.ADMINISTRATOR: _last_administrator,
    Role.OFFICER: _last_officer,
}
