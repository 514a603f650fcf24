"""Where one is signed in, and how that ends; somebody else's too."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts import household, sessions, signins
from accounts.addresses import address_of
from accounts.freshness import FreshFactorForm
from accounts.guards import is_verified, me, posted, requires
from accounts.models import Role, SignIn, User
from accounts.useragent import UserAgent
from audit import trail

EARLIER = 10  # sign-ins shown that are over


@dataclass(frozen=True)
class Line:
    """One session for people. `this`: the reader's own."""

    row: SignIn
    browser: str
    factor: str
    this: bool


@require_safe
@requires()
def overview(request: HttpRequest) -> HttpResponse:
    user = me(request)
    open_now = sorted(signins.of(user), key=lambda row: row.pk != signins.this(request))
    known = [row.pk for row in open_now]
    earlier = SignIn.objects.filter(user=user).exclude(pk__in=known).order_by("-began_at")[:EARLIER]
    context = {
        "open": [_line(row, request) for row in open_now],
        "earlier": [_line(row, request) for row in earlier],
        "ends_at": sessions.ends_at(request),
        "idle": household.current().idle_minutes,
    }
    return render(request, "accounts/sessions.html", context)


@require_POST
@requires()
def end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One of one's own sessions."""
    user = me(request)
    if pk == signins.this(request):
        sessions.end(request)
        return redirect("accounts:login")
    if signins.end(user, pk, by=user, address=address_of(request)):
        messages.success(request, _("Signed out there."))
    else:
        messages.info(request, _("That one was over already."))
    return redirect("accounts:sessions")


@require_POST
@requires()
def end_others(request: HttpRequest) -> HttpResponse:
    count = _end_others(request, "session.ended")
    messages.success(request, _said(count))
    return redirect("accounts:sessions")


def not_me(request: HttpRequest) -> HttpResponse:
    """Where a message about an unusual sign-in leads: end everything else, and choose a new password."""
    if request.method == "POST" and is_verified(request.user):
        count = _end_others(request, "login.disowned")
        next_one = _(
            "Now choose a new password. Then look through the apps and passkeys of your account, and remove"
            " what is not yours."
        )
        messages.warning(request, f"{_said(count)} {next_one}")
        return redirect("accounts:password")
    return render(request, "accounts/not_me.html", {"mine": is_verified(request.user)})


@requires(Role.OFFICER, Role.ADMINISTRATOR)
def of_person(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How many sessions somebody has: where is their own business. All of them end with a fresh factor."""
    found, by = get_object_or_404(User, pk=pk), me(request)
    if found.pk == by.pk:
        return redirect("accounts:sessions")
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        count = signins.end_all(found, by=by, address=address_of(request))
        messages.success(request, _said(count))
        return redirect("accounts:person", found.pk)
    context = {"person": found, "form": form, "count": signins.of(found).count()}
    return render(request, "accounts/person_sessions.html", context, status=400 if form.errors else 200)


def _end_others(request: HttpRequest, action: str) -> int:
    user = me(request)
    with transaction.atomic():
        count = signins.end_others(request, user)
        who = {"actor": user.username, "target": user.username, "address": address_of(request)}
        trail.record(action, **who, detail={"sessions": count})
    return count


def _said(count: int) -> str:
    if not count:
        return _("Nobody was signed in elsewhere.")
    return ngettext("%(count)s session has ended.", "%(count)s sessions have ended.", count) % {
        "count": count
    }


def _line(row: SignIn, request: HttpRequest) -> Line:
    browser = UserAgent(row.system, row.browser).words
    return Line(row, browser, signins.factor_words(row.factor), this=row.pk == signins.this(request))
