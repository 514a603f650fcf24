"""Four eyes: who may decide on whose requests."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Household, Invitation, User


@dataclass(frozen=True)
class NotIndependent(Exception):
    """This officer may not decide for this person: why, and the way out, as sentences for people."""

    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"


def is_independent(officer: User, owner: User) -> bool:
    """Whether `officer` is somebody else who neither invited nor reset `owner`, nor was reset by them.

    No sock-puppets. That the owner invited the officer is no obstacle: whoever set the household up invited
    everybody. The officer's page and the audit tell it (`invited_by_owner`).
    """
    if officer.pk in (owner.pk, owner.invited_by_id):
        return False
    return not _ever_reset(owner, officer) and not _ever_reset(officer, owner)


def invited_by_owner(officer: User, owner: User) -> bool:
    """Whether the officer is here because the owner of the request let them in."""
    return officer.invited_by_id == owner.pk


def _ever_reset(account: User, by: User) -> bool:
    """Ever, and not only last: what was done while `by` held the account may still wait."""
    if by.pk == account.reset_by_id:
        return True
    return Invitation.objects.filter(account=account, made_by=by, used_at__isnull=False).exists()


def was_reset_since(account: User, moment: datetime) -> bool:
    """Whether somebody gave this account a new password and app after `moment`, and might hold it now."""
    return Invitation.objects.filter(account=account, used_at__gte=moment).exists()


def may_decide_for(officer: User, owner: User, household: Household) -> None:
    """Raise NotIndependent unless the officer is independent of the owner or the one-person switch is on.

    Whoever decides with the switch on writes `one_person` to the request and the audit.
    """
    if household.one_person or is_independent(officer, owner):
        return
    remedy = _("Ask another officer to look at it.")
    if officer.pk == owner.pk:
        raise NotIndependent(_("This is your own request; somebody else decides on it."), remedy)
    if _ever_reset(owner, officer):
        why = _("You gave %(who)s a new password and app, so you do not decide alone.")
    elif _ever_reset(officer, owner):
        why = _("%(who)s gave you a new password and app, so you do not decide alone.")
    else:
        why = _("You invited %(who)s, so you do not decide alone.")
    raise NotIndependent(why % {"who": owner.both_names}, remedy)
