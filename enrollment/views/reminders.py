"""When people are reminded that certificates end: the household's choice."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import household
from accounts.addresses import address_of
from accounts.guards import me, posted, requires
from accounts.models import Role
from audit import trail
from enrollment.reminder_form import RemindersForm


@requires(Role.ADMINISTRATOR)
def reminders(request: HttpRequest) -> HttpResponse:
    form = RemindersForm(request, posted(request), chosen=household.current().reminder_days)
    if form.is_valid():
        _save(request, form.plan())
        messages.success(request, "Saved.")
        return redirect("enrollment:reminders")
    return render(request, "enrollment/reminders.html", {"form": form}, status=400 if form.errors else 200)


def _save(request: HttpRequest, plan: dict[str, list[int]]) -> None:
    with transaction.atomic():
        house = household.current()
        before, house.reminder_days = house.reminder_days, plan
        if before != plan:
            house.save(update_fields=["reminder_days"])
            detail = {"reminder_days": {"before": before, "after": plan}}
            who = {"actor": me(request).username, "address": address_of(request)}
            trail.record("household.changed", **who, target=house.name, detail=detail)
