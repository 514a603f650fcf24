"""Lines of the audit trail about accounts, told to whom they concern: so that a thief is noticed."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import kinds, outbox
from accounts.languages import later
from accounts.models import User
from audit.models import AuditEvent

ACTIONS = (
    "password.changed",
    "app.added",
    "app.changed",
    "app.removed",
    "passkey.added",
    "passkey.copied",
    "passkey.removed",
    "recovery.renewed",
    "recovery.used",
    "person.reset-link",
    "person.reset",
    "person.changed",
    "role.changed",
    "channel.added",
    "channel.removed",
    "calendar.made",
)
_FORMER = _("Messages about your account go to another e-mail address now; to this one it was the last.")
_ALARM = _(
    "%(happened)s\n\nIf that was you, or you know of it, there is nothing to do. If not, tell an officer"
    " at once, sign in, and change your password."
)


def tell(line: AuditEvent) -> None:
    """Part of the caller's transaction. `line.action` is one of ACTIONS."""
    users = User.objects.filter(username=line.target or line.actor)
    subject, happened = _words(line)
    text = later(_ALARM, happened=later(happened, **_names(line)))
    event = f"audit {line.sequence}"
    outbox.tell(users, kinds.ACCOUNT, event=event, subject=subject, text=text, link="/account")
    if former := _former_address(line.detail):
        event, text = f"{event} former address", later(_ALARM, happened=_FORMER)
        outbox.tell(users, kinds.ACCOUNT, event=event, subject=subject, text=text, link="/account", to=former)


def _names(line: AuditEvent) -> dict[str, object]:
    """Who did it, and what it is called."""
    by = line.actor or _("The terminal of the portal's machine")
    return {"by": by, "name": str(line.detail.get("name", ""))}


def _words(line: AuditEvent) -> tuple[Promise, Promise]:
    """Subject and sentence; a line that says who did it has a place for the name."""
    told = {
        "password.changed": (_("Your password was changed"), _("A new password counts for your account.")),
        "app.added": (_("One more app"), _("One more app makes codes for your account: “%(name)s”.")),
        "app.removed": (_("An app less"), _("An app was removed from your account: “%(name)s”.")),
        "passkey.added": (_("A new passkey"), _("One more passkey opens your account: “%(name)s”.")),
        "passkey.removed": (_("A passkey less"), _("A passkey was removed from your account: “%(name)s”.")),
        "passkey.copied": (
            _("A passkey of yours may have been copied"),
            _("A passkey of yours counted backwards, as a copy would, and was refused. Remove it."),
        ),
        "app.changed": (_("A new app counts"), _("A new app makes the codes for your account.")),
        "recovery.renewed": (_("New recovery codes"), _("Your account has new recovery codes.")),
        "recovery.used": (_("A recovery code was used"), _("Somebody signed in with a recovery code.")),
        "person.reset-link": (
            _("A link to get back in"),
            _("%(by)s made a link with which a new password and app can be set for your account."),
        ),
        "person.reset": (
            _("New password and app"),
            _("With a link, a new password and a new app were set for your account."),
        ),
        "person.changed": (_("Name or e-mail changed"), _("Your account has another name or address.")),
        "role.changed": (_("Your roles changed"), _("%(by)s changed what you may do here.")),
        "channel.added": (_("A new address"), _("Messages to you go to one more address.")),
        "channel.removed": (_("An address less"), _("Messages to you go to one address less.")),
        "calendar.made": (
            _("A calendar link"),
            _("A secret link was made: a calendar that has it sees when certificates end."),
        ),
    }
    return told[line.action]


def _former_address(detail: Mapping[str, object]) -> str:
    """Of somebody whose mail address was changed: there, and not only at the new one, a thief is noticed."""
    before, after = detail.get("before"), detail.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ""
    former = str(before.get("email", ""))
    return former if former != after.get("email", "") else ""
