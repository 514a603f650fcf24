"""Four eyes: who may decide on whose requests."""

from dataclasses import dataclass

from accounts.models import Household, User


@dataclass(frozen=True)
class NotIndependent(Exception):
    """This officer may not decide for this person: why, and the way out, as sentences for people."""

    sentence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"


def is_independent(officer: User, owner: User) -> bool:
    """Whether `officer` is somebody else who neither invited nor reset `owner`: no sock-puppets."""
    return officer.pk not in (owner.pk, owner.invited_by_id, owner.reset_by_id)


def may_decide_for(officer: User, owner: User, household: Household) -> None:
    """Raise NotIndependent unless the officer is independent of the owner or the one-person switch is on.

    Whoever decides with the switch on writes `one_person` to the request and the audit.
    """
    if household.one_person or is_independent(officer, owner):
        return
    remedy = "Ask another officer to look at it."
    if officer.pk == owner.pk:
        raise NotIndependent("This is your own request; somebody else decides on it.", remedy)
    if officer.pk == owner.reset_by_id:
        raise NotIndependent(f"You gave {owner} a new password and app, so you do not decide alone.", remedy)
    raise NotIndependent(f"You invited {owner}, so you do not decide alone.", remedy)
