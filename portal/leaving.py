"""Somebody leaves: shut the account, then end what every room has of theirs, one thing after the other.

Each can be repeated. What does not succeed now, because the signer is away, say, housekeeping tries again
until nothing is left; the page says all the time what has ended and what has not.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from accounts import leaving as account
from accounts import signins
from accounts.errors import Refused
from accounts.models import Departure, User
from audit import trail
from door import leaving as doors
from door.words import describe
from enrollment import leaving as papers
from enrollment.in_words import in_words
from enrollment.models import Status
from pki.errors import PkiError

log = logging.getLogger(__name__)

FAILED = gettext_noop("One step failed; the log of the program says why.")


@dataclass(frozen=True)
class Step:
    """One kind of thing. `names`: what there is of it now, empty when it has ended; `end`: how many ended."""

    name: str
    title: str | Promise
    names: Callable[[User], list[str]]
    end: Callable[[Departure], int]


@dataclass(frozen=True)
class Line:
    """One line of the page: `items` in the preview, and afterwards what is still there."""

    title: str | Promise
    items: list[str]
    ended: int = 0


def preview(person: User) -> list[Line]:
    """What will end, by kind; without what there is nothing of."""
    lines = [Line(step.title, step.names(person)) for step in STEPS]
    return [line for line in lines if line.items]


def leave(person: User, *, by: User, address: str) -> Departure:
    """Shut the account, then go on as far as possible at once. Raises Refused, and nothing has happened."""
    departure = account.shut(person, by=by, address=address)
    go_on(departure)
    return departure


def go_on(departure: Departure) -> None:
    """Every step once more; finished when nothing of theirs is left."""
    with translation.override("en"):  # it is read by others, later: `trouble_of`
        troubles = [sentence for step in STEPS if (sentence := _tried(step, departure))]
    departure.trouble = troubles[0][:300] if troubles else ""
    if not troubles and not any(step.names(departure.user) for step in STEPS):
        departure.finished_at = timezone.now()
        who = {"actor": departure.by.username, "target": departure.user.username}
        trail.record("person.left-done", **who, detail={"ended": departure.ended})
    departure.save(update_fields=["ended", "trouble", "finished_at"])


def progress(departure: Departure) -> list[Line]:
    """What has ended, and what is still there."""
    lines = [
        Line(step.title, step.names(departure.user), departure.ended.get(step.name, 0)) for step in STEPS
    ]
    return [line for line in lines if line.items or line.ended]


def trouble_of(departure: Departure) -> str:
    """Why not everything has ended, in the active language."""
    return _(FAILED) if departure.trouble == FAILED else in_words(departure.trouble)


def finish() -> str:
    """Housekeeping's step: go on where something is left."""
    open_ones = Departure.objects.filter(finished_at=None).select_related("user", "by")
    done = 0
    for departure in open_ones:
        go_on(departure)
        done += departure.finished_at is not None
    return f"{done} left for good" if done else ""


def _tried(step: Step, departure: Departure) -> str:
    """Why it did not succeed, in a sentence; "" when it did."""
    try:
        count = step.end(departure)
    except (PkiError, Refused) as error:
        return str(error)
    except Exception:
        log.exception("leaving=%s step=%r failed", departure.user_id, step.name)
        return FAILED
    departure.ended[step.name] = departure.ended.get(step.name, 0) + count
    return ""


def _sessions(person: User) -> list[str]:
    return [
        f"{row.browser} {row.system}".strip() or row.address or _("A browser") for row in signins.of(person)
    ]


def _end_sessions(departure: Departure) -> int:
    return signins.end_all(departure.user, by=departure.by, address=departure.address)


def _requests(person: User) -> list[str]:
    """One that is approved and has a key is on its way to a certificate, which then ends with the others."""
    return [
        _("%(name)s, waits for the CA") % {"name": found.device}
        if found.status == Status.APPROVED and not found.waits_for_key
        else found.device
        for found in papers.requests(person)
    ]


def _doors(person: User) -> list[str]:
    found = [f"{rule.door}: {describe(rule)}" for rule in doors.rules(person)]
    found += [_("Group %(name)s") % {"name": name} for name in doors.groups(person)]
    return found + ([_("Their PIN")] if doors.has_pin(person) else [])


def _codes(person: User) -> list[str]:
    count = papers.codes(person)
    return [str(count)] if count else []


def _links(person: User) -> list[str]:
    return [str(link.account or link.full_name) for link in account.links(person)]


STEPS = (
    Step("sessions", gettext_lazy("Where they are signed in"), _sessions, _end_sessions),
    Step(
        "factors",
        gettext_lazy("What they sign in with, besides the password"),
        account.factors,
        lambda departure: account.end_factors(departure.user),
    ),
    Step(
        "certificates",
        gettext_lazy("Certificates: revoked"),
        lambda person: [found.subject for found in papers.certificates(person)],
        lambda departure: papers.revoke(departure.user, by=departure.by, address=departure.address),
    ),
    Step(
        "requests",
        gettext_lazy("Requests: withdrawn"),
        _requests,
        lambda departure: papers.withdraw(departure.user, by=departure.by, address=departure.address),
    ),
    Step(
        "codes",
        gettext_lazy("Codes on paper, and for devices that wanted to ask"),
        _codes,
        lambda departure: papers.end_codes(departure.user),
    ),
    Step(
        "doors",
        gettext_lazy("Doors: their rules, groups and PIN"),
        _doors,
        lambda departure: doors.end(departure.user, by=departure.by, address=departure.address),
    ),
    Step(
        "links",
        gettext_lazy("Invitations and reset links"),
        _links,
        lambda departure: account.end_links(departure.user, by=departure.by, address=departure.address),
    ),
    Step(
        "channels",
        gettext_lazy("Addresses for messages"),
        account.channels,
        lambda departure: account.end_channels(departure.user),
    ),
    Step(
        "calendar",
        gettext_lazy("Calendar"),
        lambda person: [_("A secret link")] if account.has_calendar(person) else [],
        lambda departure: account.end_calendar(departure.user),
    ),
)
