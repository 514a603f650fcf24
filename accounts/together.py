"""Many invited at once: one link each, made all together or not at all."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import invitations
from accounts.errors import Refused
from accounts.models import Invitation, InvitationGroup, User
from accounts.roster import MAX_PEOPLE, Entry
from audit import trail

HOURS = 168  # how long the links are good unless somebody chooses otherwise
# Typed from paper: no letters that look alike, and none that make words.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
Tokens = dict[str, str]  # an invitation's primary key -> the token of its link


def token() -> str:
    """A token to be typed: 20 letters in groups of four, 95 random bits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(20))
    return "-".join(letters[at : at + 4] for at in range(0, 20, 4))


def made_by_form(once: UUID, by: User) -> InvitationGroup | None:
    """The group that this form of `by` made already."""
    return InvitationGroup.objects.filter(once=once, made_by=by).first()


def invite(
    by: User, *, name: str, entries: Sequence[Entry], hours: int, once: UUID, address: str = ""
) -> tuple[InvitationGroup, Tokens]:
    """A group, an invitation for each of `entries`, and the tokens, of which only digests are kept.

    Raises Refused when `by` may not give somebody's roles, and IntegrityError when `once` was used already.
    """
    if not entries or len(entries) > MAX_PEOPLE or any(entry.faults for entry in entries):
        raise Refused(
            _("Nobody was invited."),
            _("Give from one to %(limit)d people, each without a fault.") % {"limit": MAX_PEOPLE},
        )
    for roles in {entry.roles for entry in entries}:
        invitations.check(by, roles)
    tokens = {entry.line: token() for entry in entries}
    with transaction.atomic():
        group = InvitationGroup.objects.create(name=name, made_by=by, once=once)
        made = [_invitation(by, group, entry, tokens[entry.line], hours) for entry in entries]
        Invitation.objects.bulk_create(made)
        for invitation in made:
            _record("person.invited", by, address, invitation, hours)
        detail = {"people": len(made), "hours": hours, "group": str(group.pk)}
        trail.record("person.group-invited", actor=by.username, address=address, target=name, detail=detail)
    return group, {
        str(invitation.pk): tokens[entry.line] for invitation, entry in zip(made, entries, strict=True)
    }


def renew(by: User, wanted: QuerySet[Invitation], *, hours: int, address: str = "") -> Tokens:
    """New links for those of `wanted` who have not joined; the old ones open nothing any more.

    `by` becomes their maker: whoever hands out a link does not decide alone for who comes by it.
    Raises Refused.
    """
    tokens: Tokens = {}
    with transaction.atomic():
        for invitation in not_joined(wanted).select_for_update(of=("self",)):
            if not invitations.may_change(by, invitation):
                raise Refused(_("This link was made by somebody else."), _("Ask them or an administrator."))
            invitations.check(by, frozenset(invitation.roles))
            tokens[str(invitation.pk)] = _anew(invitation, by, hours)
            _record("person.link-anew", by, address, invitation, hours)
        if not tokens:
            raise Refused(_("There is nobody here who has not joined yet."), _("Nothing was changed."))
    return tokens


def not_joined(wanted: QuerySet[Invitation]) -> QuerySet[Invitation]:
    """Those whose links were not used, lapsed or not."""
    return wanted.filter(used_at=None, account=None).order_by("full_name", "pk")


def replaceable(by: User, group: InvitationGroup) -> QuerySet[Invitation]:
    """Those of `group` who have not joined and whose links `by` may replace."""
    wanted = group.invitations.all() if by.is_administrator else group.invitations.filter(made_by=by)
    return not_joined(wanted)


def living(group: InvitationGroup, tokens: Tokens) -> Iterable[tuple[Invitation, str]]:
    """Those of `tokens` that still open something, with their invitations, by name."""
    open_ = not_joined(group.invitations.filter(lapses_at__gt=timezone.now()))
    for invitation in open_:
        found = tokens.get(str(invitation.pk))
        if found and invitations.digest(found) == invitation.digest:  # and not one made since
            yield invitation, found


def groups() -> QuerySet[InvitationGroup]:
    """The groups, newest first, with `.people` and `.open`: how many have not used their link."""
    open_ = Count("invitations", filter=Q(invitations__used_at=None))
    counted = InvitationGroup.objects.annotate(people=Count("invitations"), open=open_)
    return counted.order_by("-made_at", "pk")[:100]


def _invitation(by: User, group: InvitationGroup, entry: Entry, token: str, hours: int) -> Invitation:
    return Invitation(
        digest=invitations.digest(token),
        full_name=entry.name,
        username=entry.username,
        email=entry.email,
        device=entry.device,
        roles=sorted(entry.roles),
        group=group,
        made_by=by,
        lapses_at=timezone.now() + timedelta(hours=hours),
    )


def _anew(invitation: Invitation, by: User, hours: int) -> str:
    fresh = token()
    invitation.digest, invitation.made_by = invitations.digest(fresh), by
    invitation.lapses_at = timezone.now() + timedelta(hours=hours)
    invitation.save(update_fields=["digest", "made_by", "lapses_at"])
    return fresh


def _record(action: str, by: User, address: str, invitation: Invitation, hours: int) -> None:
    detail: dict[str, object] = {"roles": invitation.roles, "hours": hours}
    if invitation.group:
        detail["group"] = invitation.group.name
    trail.record(action, actor=by.username, address=address, target=invitation.full_name, detail=detail)
