"""What officers and administrators do to other people's accounts."""

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import signins
from accounts.errors import Refused
from accounts.models import Departure, Role, User
from audit import trail

ROLES = tuple(role.value for role in Role)


def grantable(by: User) -> frozenset[str]:
    """The `Role` values this person may give: administrators all, officers requester."""
    if by.is_active and by.is_administrator:
        return frozenset(ROLES)
    return frozenset({Role.REQUESTER.value}) if by.is_active and by.is_officer else frozenset()


def may_reset(by: User, person: User) -> bool:
    """Officers reset those who only request; administrators everybody else. Nobody resets themselves.

    An officer who could reset another officer could decide in their name.
    """
    may = grantable(by)
    return bool(may) and person.is_active and by.pk != person.pk and person.roles <= may


def who_may_reset(person: User) -> list[User]:
    """By name."""
    may = User.objects.filter(Q(is_officer=True) | Q(is_administrator=True), is_active=True)
    return [by for by in may.order_by("full_name", "username") if may_reset(by, person)]


def change_roles(person: User, roles: frozenset[str], *, by: User, address: str = "") -> User:
    """Give `person` exactly `roles`. Raises Refused.

    Nobody changes their own, and only administrators change any: so one administrator is always left.
    """
    if not roles <= frozenset(ROLES) or not roles:
        raise Refused(_("A person needs at least one role."), _("Choose one, or deactivate the account."))
    with transaction.atomic():
        found = for_administrator(person, by)
        before = found.roles
        for role in ROLES:
            setattr(found, f"is_{role}", role in roles)
        found.save(update_fields=[f"is_{role}" for role in ROLES])
        detail = {"given": roles - before, "taken": before - roles}
        trail.record("role.changed", actor=by.username, address=address, target=found.username, detail=detail)
    return found


def set_active(person: User, active: bool, *, by: User, address: str = "") -> User:
    """Deactivate an account, which ends its sessions at once, or let it in again. Raises Refused.

    Of somebody who left nothing else comes back.
    """
    with transaction.atomic():
        found = for_administrator(person, by)
        if active:
            _forget_departure(found)
        found.is_active = active
        found.save(update_fields=["is_active"])
        if not active:
            signins.void(found)  # or they would go on where they were, let in again
        action = "person.reactivated" if active else "person.deactivated"
        trail.record(action, actor=by.username, address=address, target=found.username)
    return found


def _forget_departure(person: User) -> None:
    """Before somebody who left comes back. Raises Refused while something of theirs is still to be ended."""
    left = Departure.objects.filter(user=person)
    if left.filter(finished_at=None).exists():
        raise Refused(
            _("Not everything of theirs has ended yet since they left."), _("Try again in a few minutes.")
        )
    left.delete()


def for_administrator(person: User, by: User) -> User:
    """`person`, locked, after making sure that `by` is still an administrator and somebody else.

    Two administrators who remove each other at once wait for one another here: the second one is refused.
    """
    both = User.objects.select_for_update().filter(pk__in={person.pk, by.pk}).order_by("pk")
    found = {user.pk: user for user in both}
    if person.pk == by.pk:
        raise Refused(_("You cannot do this to your own account."), _("Ask another administrator."))
    if by.pk not in found or not (found[by.pk].is_active and found[by.pk].is_administrator):
        raise Refused(_("Only administrators may do this."), _("Ask another administrator."))
    return found[person.pk]
