"""What people are told about, each kind with the words of their choice."""

from dataclasses import dataclass

from accounts.models import Role, User


@dataclass(frozen=True)
class Kind:
    """`roles`: whom it concerns; empty for everybody."""

    name: str
    title: str
    explained: str
    roles: frozenset[str] = frozenset()


_OVERSEERS = frozenset({Role.OFFICER.value, Role.ADMINISTRATOR.value})

DECIDE, QUESTION, DECIDED = "decide", "question", "decided"
ENDS, RENEW, REVOKED, DEVICE = "ends", "renew", "revoked", "device"
ACCOUNT, HOUSE, TEST = "account", "house", "test"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            DECIDE,
            "A request waits for you",
            "somebody asks for a certificate, or answered your question",
            frozenset({Role.OFFICER.value}),
        ),
        Kind(QUESTION, "A question to you", "an officer wants to know something before they decide"),
        Kind(DECIDED, "Your request is decided", "issued, approved, refused or lapsed"),
        Kind(ENDS, "A certificate of yours ends soon", "30, 14, 7 and 1 days before, unless set otherwise"),
        Kind(RENEW, "You are asked to renew", "an officer wants a certificate of yours renewed"),
        Kind(REVOKED, "A certificate of yours is revoked", "by you, an officer or the CA"),
        Kind(DEVICE, "A new device", "a certificate in your name is used for the first time, or renewed"),
        Kind(ACCOUNT, "Changes to how you sign in", "password, app, recovery codes, roles, addresses"),
        Kind(HOUSE, "The household needs a look", "a revocation list or a backup is overdue", _OVERSEERS),
    )
}


def concerning(user: User) -> list[Kind]:
    """The kinds that this person is told about, in the order of the page."""
    return [kind for kind in KINDS.values() if not kind.roles or kind.roles & user.roles]
