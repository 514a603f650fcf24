"""What an officer does: find, look, ask, approve, refuse."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import household
from accounts.addresses import address_of
from accounts.guards import me, requires
from accounts.models import Role
from enrollment import cautions, history, listing, preview, ra, replaced, seen, states
from enrollment.forms import sentence, split_names
from enrollment.models import CertificationRequest, Status
from enrollment.officer_forms import ApproveForm, AskForm, BatchForm, RefuseForm
from enrollment.preview import words_of
from pki.profiles import PROFILES

UNPROCESSABLE = 422
BATCH = 100  # approvals with one code


@requires(Role.OFFICER)
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    page = listing.queue(request.GET)
    status = request.GET.get("status") or Status.PENDING.value
    context = {
        "page": page,
        "rows": [(row, states.of(row, for_officer=True), PROFILES[row.profile]) for row in page.rows],
        "waiting": listing.waiting_count(),
        "chosen": {**request.GET.dict(), "status": status},
        "filtered": any(request.GET.get(name) for name in ("q", "purpose", "waits", "question", "renewals")),
        "tick": f"?{urlencode({**request.GET.dict(), 'tick': '1'})}" if request.GET.get("renewals") else "",
        "statuses": [*Status.choices, ("any", _("Any state"))],
        "profiles": PROFILES.values(),
        "waits": listing.WAITS.items(),
        "may_choose": status == Status.PENDING,
    }
    return render(request, "enrollment/queue.html", context)


@requires(Role.OFFICER)
@require_safe
def review(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _review_page(request, _found(pk))


@requires(Role.OFFICER)
@require_POST
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Approve, ask or refuse, by the button pressed. Sent back with what was typed when it will not do."""
    item = _found(pk)
    action = request.POST.get("action", "")
    if action not in ACTIONS:
        return _review_page(
            request, item, UNPROCESSABLE, problem=_("Choose what to do: approve, ask or refuse.")
        )
    problem = _obstacle(request, item, action)
    if problem:  # before the form, so that no code is spent on what cannot be done
        return _review_page(request, item, UNPROCESSABLE, problem=problem)
    form = _form(request, item, action, request.POST)
    if form.is_valid():
        try:
            ACTIONS[action](request, item, form)
        except ra.Refused as error:
            return _review_page(
                request, _found(pk), UNPROCESSABLE, problem=sentence(error), sent={action: form}
            )
        return redirect("enrollment:review", pk)
    return _review_page(request, item, UNPROCESSABLE, sent={action: form})


def _obstacle(request: HttpRequest, item: CertificationRequest, action: str) -> str:
    takes_back = action == "reject" and item.waits_for_key
    if item.status != Status.PENDING and not takes_back:
        state = states.of(item).word
        return _("This request is no longer waiting: %(state)s. Nothing was changed.") % {"state": state}
    blocker = cautions.blocker(item, me(request), household.current())
    own = item.owner_id == me(request).pk
    return " ".join(blocker) if blocker and (action == "approve" or own) else ""


def _form(
    request: HttpRequest, item: CertificationRequest, action: str, data: Mapping[str, Any] | None = None
) -> forms.Form:
    """The form of one of the three actions, filled with `data` when it is the one that was sent."""
    if action == "approve":
        return ApproveForm(request, item, data)
    if action == "reject":
        return RefuseForm(request, data, auto_id="reject_%s")
    return AskForm(data, auto_id="ask_%s")


def _approve(request: HttpRequest, item: CertificationRequest, form: forms.Form) -> None:
    typed = form.cleaned_data
    item = ra.approve(
        request=item,
        by=me(request),
        address=address_of(request),
        common_name=typed["common_name"],
        sans=split_names(typed["names"]) if "names" in typed else None,
        days=typed["days"],
    )
    if item.status == Status.ISSUED:
        messages.success(request, _("Approved and issued: %(name)s.") % {"name": item.common_name})
    elif item.waits_for_key:
        told = _("Approved: %(name)s. The device comes for it within a week.")
        messages.success(request, told % {"name": item.common_name})
    elif item.status == Status.APPROVED:
        messages.warning(request, _("Approved. %(trouble)s") % {"trouble": item.trouble})
    else:
        messages.error(request, item.reason)


def _reject(request: HttpRequest, item: CertificationRequest, form: forms.Form) -> None:
    ra.reject(request=item, by=me(request), address=address_of(request), reason=form.cleaned_data["reason"])
    told = _("Refused. %(who)s reads your reason.")
    messages.success(request, told % {"who": item.owner.both_names})


def _ask(request: HttpRequest, item: CertificationRequest, form: forms.Form) -> None:
    ra.ask(request=item, by=me(request), address=address_of(request), text=form.cleaned_data["text"])
    messages.success(request, _("%(who)s sees your question.") % {"who": item.owner.both_names})


ACTIONS = {"approve": _approve, "reject": _reject, "ask": _ask}


@requires(Role.OFFICER)
@require_POST
def batch(request: HttpRequest) -> HttpResponse:
    """Several at once, as proposed: first shown again with one code to give, then each decided on its own."""
    chosen = _chosen(request)
    if not chosen:
        messages.warning(request, _("Choose at least one request that still waits."))
        return redirect("enrollment:queue")
    confirmed = "confirmed" in request.POST
    form = BatchForm(request, request.POST if confirmed else None)
    if confirmed and form.is_valid():
        results = [(item, *_approve_one(request, item)) for item in chosen]
        return render(request, "enrollment/batch_done.html", {"results": results})
    house = household.current()
    rows = [
        (row, PROFILES[row.profile], words_of(row), cautions.blocker(row, me(request), house))
        for row in chosen
    ]
    status = UNPROCESSABLE if form.errors else 200
    context = {"form": form, "rows": rows, "able": sum(1 for *_, blocker in rows if not blocker)}
    return render(request, "enrollment/batch.html", context, status=status)


def _chosen(request: HttpRequest) -> list[CertificationRequest]:
    """What is ticked and still waits, oldest first, at most a hundred; what is no id is passed over."""
    ids = []
    for text in request.POST.getlist("chosen")[:BATCH]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    waiting = CertificationRequest.objects.filter(pk__in=ids, status=Status.PENDING)
    found = waiting.select_related("owner", "predecessor").defer("predecessor__der")
    return list(found.order_by("created_at", "id"))


def _approve_one(request: HttpRequest, item: CertificationRequest) -> tuple[states.State, str]:
    try:
        item = ra.approve(request=item, by=me(request), address=address_of(request))
    except ra.Refused as error:
        return states.State("waiting", _("Not approved")), sentence(error)
    return states.of(item, for_officer=True), item.trouble or item.reason


def _review_page(
    request: HttpRequest,
    item: CertificationRequest,
    status: int = 200,
    *,
    problem: str = "",
    sent: Mapping[str, forms.Form] = MappingProxyType({}),
) -> HttpResponse:
    """Everything about one request; `sent` holds the form that came back, under its action's name."""
    house = household.current()
    stored = preview.stored(item, house.name)
    past = history.of(item)
    waits = item.status == Status.PENDING
    own = item.owner_id == me(request).pk
    live = item.waits_for_key or (item.certificate is not None and item.certificate.revoked_at is None)
    context = {
        "item": item,
        "state": states.of(item, for_officer=True),
        "profile": PROFILES[item.profile],
        "words": words_of(item),
        "csr": stored.csr,
        "lines": stored.lines,
        "past": [(row, states.of(row, for_officer=True)) for row in past.of_person],
        "same_key": [(row, states.of(row, for_officer=True)) for row in past.of_key],
        "cautions": cautions.of(item, stored, past, me(request), house) if waits else [],
        "blocker": cautions.blocker(item, me(request), house) if waits else None,
        "own": own,
        "finish": own and live and seen.of(item.certificate) is None,
        "talk": item.messages.select_related("author"),
        "problem": problem,
        "waits": waits,
        "takes_back": item.waits_for_key,
        "after": replaced.AFTER.days,
        "until": timezone.now() + timedelta(days=item.days) if waits else None,
        "seen": seen.of(item.certificate),
        "sent": sent,
    }
    context |= {action: sent.get(action) or _form(request, item, action) for action in ACTIONS}
    return render(request, "enrollment/review.html", context, status=status)


def _found(pk: UUID) -> CertificationRequest:
    requests = CertificationRequest.objects.select_related(
        "owner", "certificate", "decided_by", "predecessor"
    )
    return get_object_or_404(states.with_question(requests), pk=pk)
