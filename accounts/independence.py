"""Four eyes: who may decide on whose requests."""

from dataclasses import dataclass

from accounts.models import Household, Invitation, User


@dataclass(frozen=True)
class NotIndependent(Exception):
    """This officer may not decide for this person: why, and the way out, as sentences for people."""

    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"


def is_independent(officer: User, owner: User) -> bool:
    """Whether `officer` is somebody else who neither invited nor reset `owner`: no sock-puppets."""
    return officer.pk not in (owner.pk, owner.invited_by_id) and not _ever_reset(owner, officer)


def _ever_reset(owner: User, officer: User) -> bool:
    """Ever, and not only last: a request sent while the officer held the account may still wait."""
    if officer.pk == owner.reset_by_id:
        return True
    return Invitation.objects.filter(account=owner, made_by=officer, used_at__isnull=False).exists()


def may_decide_for(officer: User, owner: User, household: Household) -> None:
    """Raise NotIndependent unless the officer is independent of the owner or the one-person switch is on.

    Whoever decides with the switch on writes `one_person` to the request and the audit.
    """
    if household.one_person or is_independent(officer, owner):
        return
    remedy = "Ask another officer to look at it."
    if officer.pk == owner.pk:
        raise NotIndependent("This is your own request; somebody else decides on it.", remedy)
    if _ever_reset(owner, officer):
        raise NotIndependent(f"You gave {owner} a new password and app, so you do not decide alone.", remedy)
    raise NotIndependent(f"You invited {owner}, so you do not decide alone.", remedy)
