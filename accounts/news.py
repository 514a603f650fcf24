"""Lines of the audit trail about accounts, told to whom they concern: so that a thief is noticed."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from accounts import kinds, outbox
from accounts.models import User
from audit.models import AuditEvent

ACTIONS = (
    "password.changed",
    "app.changed",
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


def tell(line: AuditEvent) -> None:
    """Part of the caller's transaction. `line.action` is one of ACTIONS."""
    users = User.objects.filter(username=line.target or line.actor)
    subject, happened = _words(line)
    text = _(
        "%(happened)s\n\nIf that was you, or you know of it, there is nothing to do. If not, tell an officer"
        " at once, sign in, and change your password."
    ) % {"happened": happened % {"by": line.actor or _("The terminal of the portal's machine")}}
    event = f"audit {line.sequence}"
    told = {"kind": kinds.ACCOUNT, "event": event, "subject": subject, "text": text, "link": "/account"}
    outbox.tell(users, **told, to=_former_address(line.detail))


def _words(line: AuditEvent) -> tuple[str, str]:
    """Subject and sentence; a line that says who did it has a place for the name."""
    told = {
        "password.changed": (_("Your password was changed"), _("A new password counts for your account.")),
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
    """Of somebody whose mail address was changed: there, and not at the new one, a thief is noticed."""
    before, after = detail.get("before"), detail.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ""
    former = str(before.get("email", ""))
    return former if former != after.get("email", "") else ""
