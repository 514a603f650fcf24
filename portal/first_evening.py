"""The first evening: what a new household needs before a phone of its own opens a door, step by step.

A step is done when what it is for is there, whoever did it and in whichever order. What only a person can say
("these names are right", "not tonight") is kept with the household.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import household
from accounts.models import Household, Invitation, Role, User
from audit import trail
from door import policy
from door.models import Press
from enrollment.models import CertificationRequest, Seen, Status
from portal import tls

DONE, WAITS, SKIPPED, OPEN = "done", "waits", "skipped", "open"
SETTLED = "settled"  # somebody said that it is as it should be, where nothing shows it
Standing = tuple[str, str]  # one of the four, and where the matter stands, as a sentence

NOTHING_YET: Standing = (OPEN, "")


@dataclass(frozen=True)
class Step:
    """`name` stands in addresses; `said` tells where it stands, "" where there is nothing to tell."""

    name: str
    title: str
    state: str
    said: str

    @property
    def word(self) -> str:
        return str(_WORDS[self.state])

    @property
    def may_settle(self) -> bool:
        return self.state == OPEN and self.name in _SAID_BY_PEOPLE


_WORDS: dict[str, str | Promise] = {
    DONE: gettext_lazy("Done"),
    WAITS: gettext_lazy("Waiting"),
    SKIPPED: gettext_lazy("Skipped"),
    OPEN: gettext_lazy("Still to do"),
}


def steps() -> list[Step]:
    """All of them, in the order in which they are best done."""
    kept = household.current().evening
    return [_step(name, str(title), look(), kept.get(name, "")) for name, (title, look) in _STEPS.items()]


def _step(name: str, title: str, standing: Standing, kept: str) -> Step:
    """What is there counts more than what somebody said before."""
    state, said = standing
    if state != DONE and kept in (SETTLED, SKIPPED):
        state = DONE if kept == SETTLED else SKIPPED
    return Step(name, title, state, said)


def next_of(found: list[Step], after: str = "") -> Step | None:
    """The first step that is to be done now, those behind `after` first; what waits comes last."""
    names = [step.name for step in found]
    begin = names.index(after) + 1 if after in names else 0
    turned = found[begin:] + found[:begin]
    for state in (OPEN, WAITS):
        for step in turned:
            if step.state == state:
                return step
    return None


def keep(name: str, word: str, *, by: User, address: str = "") -> None:
    """Remember SETTLED or SKIPPED of a step, or forget what was remembered (`word` is "")."""
    with transaction.atomic():
        found, _made = Household.objects.select_for_update().get_or_create(pk=1)
        others = {step: said for step, said in found.evening.items() if step != name}
        found.evening = others | ({name: word} if word else {})
        found.save(update_fields=["evening"])
        action = f"household.evening-{word or 'resumed'}"
        trail.record(action, actor=by.username, address=address, target=name)


def _account() -> Standing:
    return DONE, _("You sign in with a password and a second factor.")


def _names() -> Standing:
    if left_out := tls.left_out():
        return OPEN, _("Browsers would warn about %(names)s.") % {"names": ", ".join(left_out)}
    said = _("Phones reach the portal at %(url)s.") % {"url": settings.PORTAL_URL}
    return (DONE if "LATCHKEY_HOSTS" in settings.ENV else OPEN), said


def _trust() -> Standing:
    return (DONE, _("The portal shows a certificate of your own.")) if settings.TLS_CERT else NOTHING_YET


def _officer() -> Standing:
    officers = list(User.objects.filter(is_active=True, is_officer=True).order_by("created_at")[:2])
    if len(officers) > 1:
        names = {"one": officers[0], "other": officers[1]}
        return DONE, _("%(one)s and %(other)s are officers.") % names
    if household.current().one_person:
        return DONE, _("You decide alone: this is a one-person household.")
    for link in Invitation.objects.filter(account=None, used_at=None, lapses_at__gt=timezone.now()):
        if Role.OFFICER.value in link.roles:
            return WAITS, _("%(name)s has not opened the link yet.") % {"name": link.full_name}
    return NOTHING_YET


def _door() -> Standing:
    found = policy.in_use().exclude(rules=None).first()
    if found is None:
        return NOTHING_YET
    if found.practice:
        return DONE, _("A practice door is there: you can press it, and nothing opens.")
    return DONE, _("%(door)s is there.") % {"door": found.name}


def _phone() -> Standing:
    if seen := Seen.objects.select_related("certificate").order_by("first_at").first():
        return DONE, _("%(device)s showed its certificate.") % {"device": seen.certificate.subject}
    if press := Press.objects.order_by("-at", "-id").first():  # the door takes none without a certificate
        return DONE, _("%(device)s showed its certificate.") % {"device": press.device}
    asked = CertificationRequest.objects.filter(profile="tls-client").order_by("-created_at")
    if waiting := asked.filter(status=Status.PENDING).first():
        return WAITS, _("%(device)s waits for an officer.") % {"device": waiting.device}
    if issued := asked.filter(status__in=[Status.APPROVED, Status.ISSUED]).first():
        return WAITS, _("%(device)s is approved; finish on the device itself.") % {"device": issued.device}
    return NOTHING_YET


_STEPS: dict[str, tuple[str | Promise, Callable[[], Standing]]] = {
    "account": (gettext_lazy("You, with a second factor"), _account),
    "names": (gettext_lazy("Names on the network"), _names),
    "trust": (gettext_lazy("No more warnings"), _trust),
    "officer": (gettext_lazy("A second officer"), _officer),
    "door": (gettext_lazy("The first door"), _door),
    "phone": (gettext_lazy("The first phone"), _phone),
}
_SAID_BY_PEOPLE = ("names", "trust")
