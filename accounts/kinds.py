"""What people are told about, each kind with the words of their choice."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User


@dataclass(frozen=True)
class Kind:
    """`roles`: whom it concerns; empty for everybody."""

    name: str
    title: str | Promise
    explained: str | Promise
    roles: frozenset[str] = frozenset()


_OVERSEERS = frozenset({Role.OFFICER.value, Role.ADMINISTRATOR.value})

DECIDE, QUESTION, DECIDED = "decide", "question", "decided"
ENDS, RENEW, REVOKED, DEVICE = "ends", "renew", "revoked", "device"
ACCOUNT, SIGN_IN, BACK, HOUSE, TEST = "account", "sign-in", "back", "house", "test"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            DECIDE,
            _("A request waits for you"),
            _("somebody asks for a certificate, or answered your question"),
            frozenset({Role.OFFICER.value}),
        ),
        Kind(QUESTION, _("A question to you"), _("an officer wants to know something before they decide")),
        Kind(DECIDED, _("Your request is decided"), _("issued, approved, refused or lapsed")),
        Kind(
            ENDS,
            _("A certificate of yours ends soon"),
            _("30, 14, 7 and 1 days before, unless set otherwise"),
        ),
        Kind(RENEW, _("You are asked to renew"), _("an officer wants a certificate of yours renewed")),
        Kind(REVOKED, _("A certificate of yours is revoked"), _("by you, an officer or the CA")),
        Kind(
            DEVICE, _("A new device"), _("a certificate in your name is used for the first time, or renewed")
        ),
        Kind(ACCOUNT, _("Changes to how you sign in"), _("password, app, recovery codes, roles, addresses")),
        Kind(
            SIGN_IN,
            _("An unusual sign-in"),
            _("from a browser never seen before, after many wrong attempts, or an officer’s from elsewhere"),
        ),
        Kind(
            BACK,
            _("Somebody gets back in"),
            _("asks for it, or a link was made on the machine"),
            _OVERSEERS | {Role.AUDITOR.value},
        ),
        Kind(
            HOUSE, _("The household needs a look"), _("a revocation list or a backup is overdue"), _OVERSEERS
        ),
    )
}


def concerning(user: User) -> list[Kind]:
    """The kinds that this person is told about, in the order of the page."""
    return [kind for kind in KINDS.values() if not kind.roles or kind.roles & user.roles]
