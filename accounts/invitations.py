"""Single-use links: to join, and to get back in with a new password and app. They lapse."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import joining, people, signins
from accounts.errors import Refused
from accounts.joining import Details, Joined
from accounts.models import Invitation, User
from audit import trail

HOURS = 72  # how long a link is good unless somebody chooses otherwise


def make(
    by: User | None,
    *,
    roles: frozenset[str] = frozenset(),
    full_name: str = "",
    account: User | None = None,
    hours: int = HOURS,
    address: str = "",
) -> str:
    """The token of a new link; only its digest is kept. With `account`, a link that resets that account.

    `by` is None for a reset made in this machine's terminal: the way back in for the last administrator.
    Raises Refused when `by` may not give these roles, or not reset this account.
    """
    roles = account.roles if account else roles
    check(by, roles, account)
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        _store(by, digest(token), roles, account, hours, full_name)
        action = "person.reset-link" if account else "person.invited"
        target = account.username if account else full_name
        detail = {"roles": roles, "hours": hours}
        trail.record(action, actor=by.username if by else "", address=address, target=target, detail=detail)
    return token


def allow(by: User, account: User, *, digest: str, hours: int) -> None:
    """As `make` for a reset, with the token of a browser that asked for it; only its digest is known.

    Leaves the line in the audit to the caller. Raises Refused.
    """
    check(by, account.roles, account)
    _store(by, digest, account.roles, account, hours)


def _store(
    by: User | None, digest: str, roles: frozenset[str], account: User | None, hours: int, full_name: str = ""
) -> None:
    """A reset takes the place of an earlier one that was not used."""
    Invitation.objects.filter(account=account, account__isnull=False, used_at=None).delete()
    Invitation.objects.create(
        digest=digest,
        full_name=full_name,
        roles=sorted(roles),
        account=account,
        made_by=by,
        lapses_at=timezone.now() + timedelta(hours=hours),
    )


def find(token: str, *, lock: bool = False) -> Invitation:
    """The open invitation of this token. Raises Refused when it is used, lapsed, withdrawn or unknown."""
    rows = Invitation.objects.select_for_update(of=("self",)) if lock else Invitation.objects.all()
    found = rows.select_related("made_by", "account").filter(digest=digest(token)).first()
    if found is None or found.used_at is not None or found.lapses_at <= timezone.now():
        raise Refused(
            _("This link was used already, has lapsed, or was withdrawn."),
            _("Ask whoever sent it to you for a new one. Nothing was changed."),
        )
    return found


def accept(token: str, details: Details, *, step: int, address: str = "") -> Joined:
    """Use the link up: the new account, or the account with new factors. Raises Refused.

    What its maker may give is asked again: a link outlives neither their role nor their account.
    """
    with transaction.atomic():
        invitation = find(token, lock=True)
        by, account = invitation.made_by, invitation.account
        roles = frozenset(invitation.roles)
        check(by, roles, account)
        if account:
            joined = joining.renew(account, details, step=step, reset_by=by)
            signins.end_all(account, by=by or account, address=address)
        else:
            joined = joining.create(details, roles, step=step, invited_by=by, email=invitation.email)
            invitation.joined = joined.user
        invitation.used_at = timezone.now()
        invitation.save(update_fields=["used_at", "joined"])
        trail.record(
            "person.reset" if account else "person.joined",
            actor=joined.user.username,
            address=address,
            target=joined.user.username,
            detail={"link of": by.username if by else "the terminal", "roles": joined.user.roles},
        )
    return joined


def withdraw(invitation: Invitation, *, by: User, address: str = "") -> None:
    """Take back a link that was not used yet: one's own, or as an administrator anybody's. Raises Refused."""
    with transaction.atomic():
        if not may_change(by, invitation):
            raise Refused(_("This link was made by somebody else."), _("Ask them or an administrator."))
        if not Invitation.objects.filter(pk=invitation.pk, used_at=None).delete()[0]:
            raise Refused(
                _("This link was used in the meantime."), _("Deactivate the account if it should not be.")
            )
        target = invitation.account.username if invitation.account else invitation.full_name
        trail.record("invitation.withdrawn", actor=by.username, address=address, target=target)


def may_change(by: User, invitation: Invitation) -> bool:
    """Whether `by` may withdraw this link or replace it: its maker, and administrators."""
    return by.is_administrator or invitation.made_by_id == by.pk


def waiting() -> QuerySet[Invitation]:
    """Links made one by one that can still be used, the newest first. Groups have pages of their own."""
    rows = Invitation.objects.filter(used_at=None, lapses_at__gt=timezone.now(), group=None)
    return rows.select_related("made_by", "account").order_by("-made_at")


def check(by: User | None, roles: frozenset[str], account: User | None = None) -> None:
    """Raise Refused unless `by` may give these roles, or reset this account."""
    if account is not None:
        if by and not people.may_reset(by, account):
            named = {"by": by, "name": account}
            raise Refused(
                _("%(by)s may not reset the account of %(name)s.") % named, _("Ask an administrator.")
            )
    elif by is None or not roles or not roles <= people.grantable(by):
        raise Refused(
            _("%(by)s may not give these roles.") % {"by": by or _("The terminal")},
            _("Ask an administrator to invite this person."),
        )


def digest(token: str) -> str:
    """SHA-256, hex; a token holds 95 random bits or more, so a plain hash will do."""
    return hashlib.sha256(token.encode()).hexdigest()
