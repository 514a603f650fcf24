"""One door in the portal: what it sends, who may open it, and when."""

from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.freshness import FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import Role, User
from door import manage, payload, policy
from door.models import Door, PinUse, Rule
from door.rule_form import RuleForm
from door.views.manage import METHODS, in_use
from door.words import describe

GUEST_DAYS = 7  # what the shortcut for a guest proposes


@requires(Role.OFFICER)
@require_safe
def door(request: HttpRequest, slug: str) -> HttpResponse:
    """The door's page for officers."""
    found, now, place = in_use(slug), timezone.now(), policy.zone()
    first = F("first_day").asc(nulls_first=True)
    rules = found.rules.select_related("person", "group").order_by("group__name", "person__full_name", first)
    rows = [(rule, describe(rule), _state(rule)) for rule in rules]
    context = {
        "door": found,
        "rows": rows,
        "access": policy.who_may(found, now),
        "zone": str(place),
        "shown": policy.in_use().filter(pk=found.pk).exists(),
        "example": _example(found, me(request)),
        "guest_until": (timezone.localdate(timezone=place) + timedelta(days=GUEST_DAYS)).isoformat(),
    }
    return render(request, "door/portal/door.html", context)


def _state(rule: Rule) -> str:
    """Of a rule at this moment: open, later, or over."""
    now = timezone.now()
    found = policy.stretches(rule, now, policy.zone())
    return "over" if not found else "open" if any(begins <= now < ends for begins, ends in found) else "later"


def _example(door: Door, user: User) -> str:
    """The payload as it would be now, if `user` pressed on a device called "Phone"."""
    now = timezone.now()
    pin = "314159" if door.pin == PinUse.HOME else ""
    values = {
        "cn": f"{user} Phone",
        "user": user.username,
        "pin": pin,
        "nonce": "c0ffee5eed" * 3 + "c0",
    }
    deadline = now + timedelta(seconds=door.valid_seconds)
    return payload.render(door, **values, at=now, deadline=deadline).decode()


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """A new rule; an address may propose a person and a last day (?person=…&last_day=…)."""
    found = in_use(slug)
    form = RuleForm(request, posted(request), initial=_proposed(request))
    if form.is_valid():
        try:
            rule = manage.add_rule(found, form.values(), by=me(request), address=address_of(request))
            messages.success(request, _("Added: %(rule)s.") % {"rule": describe(rule)})
            return redirect("doors:door", slug)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "door": found, "zone": policy.zone()}
    return render(request, "door/portal/rule.html", context, status=422 if form.errors else 200)


def _proposed(request: HttpRequest) -> dict[str, object]:
    """What the address proposes and a rule could have; the rest is passed over."""
    found: dict[str, object] = {}
    with suppress(ValueError):
        found["last_day"] = date.fromisoformat(request.GET.get("last_day", ""))
    with suppress(ValueError):
        found["who"] = f"person:{UUID(request.GET.get('person', ''))}"
    return found


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def change(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    rule = _rule(slug, pk)
    form = RuleForm(request, posted(request), rule=rule)
    if form.is_valid():
        try:
            changed = manage.change_rule(rule, form.values(), by=me(request), address=address_of(request))
            messages.success(request, _("Saved: %(rule)s.") % {"rule": describe(changed)})
            return redirect("doors:door", slug)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "door": rule.door, "rule": rule, "zone": policy.zone()}
    return render(request, "door/portal/rule.html", context, status=422 if form.errors else 200)


@requires(Role.OFFICER)
@require_http_methods(METHODS)
def remove(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Says what will happen and asks once, with a fresh code."""
    rule = _rule(slug, pk)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            manage.remove_rule(rule, by=me(request), address=address_of(request))
            messages.success(request, _("The rule is removed; it lets nobody in any more."))
            return redirect("doors:door", slug)
        except Refused as refused:
            form.add_error(None, str(refused))
    context = {"form": form, "door": rule.door, "sentence": describe(rule)}
    return render(request, "door/portal/rule_remove.html", context, status=422 if form.errors else 200)


def _rule(slug: str, pk: UUID) -> Rule:
    rules = Rule.objects.select_related("door", "person", "group")
    return get_object_or_404(rules, pk=pk, door__slug=slug, door__retired_at=None)
