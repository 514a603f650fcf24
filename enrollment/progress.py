"""How far people have come, from the invitation to a device that was seen at work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Lower
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Invitation, InvitationGroup, User
from enrollment.models import CertificationRequest, Kind, Seen, Status

PAGE = 50  # rows
REMEMBERED = timedelta(days=60)  # that a lapsed link outside of groups is still listed
# In the order in which people pass them; the name is also the state's class and stands in the address.
STAGES = {
    "invited": _("Invited"),
    "lapsed": _("Link lapsed"),
    "joined": _("Signed in"),
    "requested": _("Requested"),
    "approved": _("Approved"),
    "installed": _("Installed"),
    "seen": _("Seen"),
}
_LINKS = ("invited", "lapsed")  # stages of somebody who has no account yet
# The device itself fetched it; or its owner said so.
_INSTALLED = Q(kind=Kind.DEVICE) | Q(transactions__isnull=False) | Q(installed__isnull=False)


@dataclass(frozen=True)
class Row:
    """One person: an account, or an invitation that was not used. `waiting`: the request to be reviewed."""

    name: str
    stage: str
    since: datetime
    email: str
    person: User | None = None
    invitation: Invitation | None = None
    waiting: UUID | None = None

    @property
    def word(self) -> str:
        return str(STAGES[self.stage])


@dataclass(frozen=True)
class Page:
    """`further` and `first` are query strings, "" where there is nothing; `state` filters, "" for all."""

    rows: list[Row]
    further: str
    first: str
    state: str


def counts(group: InvitationGroup | None) -> dict[str, int]:
    """How many are at each stage, in their order. `group`: of everybody when None."""
    staged = (
        _people(group).order_by().values("stage").annotate(count=Count("pk")).values_list("stage", "count")
    )
    lapsed = Q(lapses_at__lte=timezone.now())
    links = _links(group).order_by().aggregate(lapsed=Count("pk", filter=lapsed), all=Count("pk"))
    found = {**dict(staged), "lapsed": links["lapsed"], "invited": links["all"] - links["lapsed"]}
    return {stage: found.get(stage, 0) for stage in STAGES}


def page(group: InvitationGroup | None, query: QueryDict) -> Page:
    """Those who have not joined by name, then the others by name, from where `after` says."""
    state = query.get("state", "")
    state = state if state in STAGES else ""
    kind, pk, name = _place(query.get("after", ""))
    rows: list[Row] = []
    if kind != "p" and state in ("", *_LINKS):
        rows = [_link_row(link) for link in _from(_of_links(_links(group), state), kind, pk, name)]
    if len(rows) <= PAGE and state not in _LINKS:
        people = _people(group).filter(stage=state) if state else _people(group)
        rows += [_person_row(found) for found in _from(people, kind if kind == "p" else "", pk, name)]
    rest = {"state": state} if state else {}
    further = "?" + urlencode({**rest, "after": _mark(rows[PAGE - 1])}) if len(rows) > PAGE else ""
    return Page(rows[:PAGE], further, "?" + urlencode(rest) if kind else "", state)


def _links(group: InvitationGroup | None) -> QuerySet[Invitation]:
    """Invitations that were not used, with `.called` to sort by."""
    found = Invitation.objects.filter(used_at=None, account=None)
    if group is None:
        found = found.filter(Q(group__isnull=False) | Q(lapses_at__gt=timezone.now() - REMEMBERED))
    else:
        found = found.filter(group=group)
    return found.annotate(called=Lower("full_name")).order_by("called", "pk")


def _of_links(links: QuerySet[Invitation], state: str) -> QuerySet[Invitation]:
    if not state:
        return links
    now = timezone.now()
    return links.filter(lapses_at__lte=now) if state == "lapsed" else links.filter(lapses_at__gt=now)


def _people(group: InvitationGroup | None) -> QuerySet[Any]:
    """Accounts with `.stage`, the furthest that one of their live certificates or open requests came."""
    found = User.objects.filter(is_active=True)
    found = found.filter(came_by__group=group) if group else found.filter(is_requester=True)
    own = CertificationRequest.objects.filter(owner=OuterRef("pk"), profile="tls-client")
    live = own.filter(
        status=Status.ISSUED, certificate__revoked_at=None, certificate__not_after__gt=timezone.now()
    )
    pending = own.filter(status=Status.PENDING).order_by("created_at", "id")
    seen = Seen.objects.filter(certificate__request__owner=OuterRef("pk")).order_by("-last_at")
    stage = Case(
        When(Exists(live.filter(certificate__seen__isnull=False)), then=Value("seen")),
        When(Exists(live.filter(_INSTALLED)), then=Value("installed")),
        When(Exists(live) | Exists(own.filter(status=Status.APPROVED)), then=Value("approved")),
        When(Exists(pending), then=Value("requested")),
        default=Value("joined"),
    )
    called = Lower(Case(When(full_name="", then="username"), default="full_name"))
    return found.annotate(
        stage=stage,
        called=called,
        waiting=Subquery(pending.values("pk")[:1]),
        moved_at=Subquery(own.order_by("-changed_at").values("changed_at")[:1]),
        seen_at=Subquery(seen.values("last_at")[:1]),
    ).order_by("called", "pk")


def _from(found: QuerySet[Any], kind: str, pk: UUID | None, name: str) -> QuerySet[Any]:
    """What comes after the row with this name and key: a page and one more, to know whether there is more."""
    if kind:
        found = found.filter(Q(called__gt=name) | Q(called=name, pk__gt=pk))
    return found[: PAGE + 1]


def _place(text: str) -> tuple[str, UUID | None, str]:
    """Where a page begins: "l" or "p" for a link or a person, key, name; ("", None, "") for the beginning."""
    kind, _, rest = text.replace("\0", "")[:200].partition(".")
    key, _, name = rest.partition(".")
    try:
        return (kind, UUID(key), name) if kind in ("l", "p") else ("", None, "")
    except ValueError:
        return "", None, ""


def _mark(row: Row) -> str:
    found = row.person or row.invitation
    called = getattr(found, "called", "")
    return f"{'p' if row.person else 'l'}.{found.pk if found else ''}.{called}"


def _link_row(link: Invitation) -> Row:
    stage, since = ("lapsed", link.lapses_at) if link.has_lapsed else ("invited", link.made_at)
    return Row(link.full_name, stage, since, link.email, invitation=link)


def _person_row(found: User) -> Row:
    stage = str(getattr(found, "stage", "joined"))
    moved, seen = getattr(found, "moved_at", None), getattr(found, "seen_at", None)
    since = (seen if stage == "seen" else moved if stage != "joined" else None) or found.created_at
    return Row(
        found.both_names, stage, since, found.email, person=found, waiting=getattr(found, "waiting", None)
    )
