"""Two steps into an account, the same for the first one, for invitations and for resets.

Nothing exists before the app's first code is confirmed: what was typed and the app's secret wait in a sealed
box of the browser's session, so that they stay the same however often the code is mistyped.
"""

from collections.abc import Callable
from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts import boxes, household, invitations, qr, sessions, timecodes
from accounts import setup as first
from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.forms import AppForm, DetailsForm, SetupForm
from accounts.guards import posted
from accounts.joining import Details, Joined
from accounts.models import Invitation, User

_TTL = 3600  # seconds that the first step is kept; the session's idle limit ends it earlier
CODES = "recovery codes"  # the box in which new recovery codes wait to be shown


@sensitive_post_parameters()
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """The very first account: who you are, what the household is called."""
    if not first.fits(token):
        return _gone(request, Refused(_("This household is set up already, or this is not its setup link.")))
    form = SetupForm(posted(request))
    if form.is_valid():
        _keep(request, token, form, form.cleaned_data["username"], form.cleaned_data["full_name"])
        return redirect("accounts:setup-app", token)
    return _first_step(request, form, "accounts/setup.html", {})


@sensitive_post_parameters()
def setup_app(request: HttpRequest, token: str) -> HttpResponse:
    if not first.fits(token):
        return _gone(request, Refused(_("This household is set up already, or this is not its setup link.")))
    return _second_step(request, token, "accounts:setup", first.complete)


@sensitive_post_parameters()
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """A link to join, or to get back in: who you are, a password."""
    try:
        found = invitations.find(token)
    except Refused as refused:
        return _gone(request, refused)
    account = found.account
    proposed = {"full_name": found.full_name, "username": found.username}
    form = DetailsForm(posted(request), account=account, initial=proposed)
    if form.is_valid():
        username, full_name = _who(form, account)
        _keep(request, token, form, username, full_name)
        return redirect("accounts:invitation-app", token)
    return _first_step(request, form, "accounts/invitation.html", {"invitation": found})


@sensitive_post_parameters()
def invitation_app(request: HttpRequest, token: str) -> HttpResponse:
    try:
        invitations.find(token)
    except Refused as refused:
        return _gone(request, refused)
    return _second_step(request, token, "accounts:invitation", invitations.accept)


def _who(form: DetailsForm, account: User | None) -> tuple[str, str]:
    if account is not None:
        return account.username, account.full_name
    return form.cleaned_data["username"], form.cleaned_data["full_name"]


def _keep(request: HttpRequest, token: str, form: DetailsForm, username: str, full_name: str) -> None:
    """Seal the first step; an app that was scanned before under the same name keeps its secret."""
    before = boxes.get(request, _box(token), ttl=_TTL)
    same = before is not None and before["username"] == username
    details = Details(
        username=username,
        full_name=full_name,
        password_hash=Details.hashed(form.cleaned_data["password"]),
        secret=before["secret"] if before and same else timecodes.new_secret().hex(),
        household=form.cleaned_data.get("household", ""),
        time_zone=form.cleaned_data.get("time_zone", ""),
    )
    boxes.put(request, _box(token), asdict(details))


def _first_step(
    request: HttpRequest, form: DetailsForm, template: str, context: dict[str, Invitation]
) -> HttpResponse:
    status = 400 if form.errors else 200
    return render(request, template, {"form": form, **context}, status=status)


def _second_step(
    request: HttpRequest, token: str, begin: str, complete: Callable[..., Joined]
) -> HttpResponse:
    """Scan and confirm the app. With its first right code the account exists and is signed in."""
    kept = boxes.get(request, _box(token), ttl=_TTL)
    if kept is None:
        return redirect(begin, token)
    details = Details(**kept)
    request.session.modified = True  # somebody is busy with their phone: the idle limit begins anew
    form = AppForm(bytes.fromhex(details.secret), posted(request))
    if form.is_valid():
        try:
            joined = complete(token, details, step=form.step, address=address_of(request))
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect(begin, token)
        return _enter(request, joined)
    issuer = details.household or household.current().name
    context = app_context(form, account=details.username, issuer=issuer)
    context["joining"] = True
    return render(request, "accounts/app.html", context, status=400 if form.errors else 200)


def app_context(form: AppForm, *, account: str, issuer: str) -> dict[str, object]:
    """What accounts/app.html shows of a secret that waits to be confirmed."""
    address = timecodes.uri(form.secret, account=account, issuer=issuer)
    typed = timecodes.typed_key(form.secret)
    names = {"account": account, "issuer": issuer}
    return {"form": form, "qr": qr.svg(address), "uri": address, "key": typed, **names}


def _enter(request: HttpRequest, joined: Joined) -> HttpResponse:
    sessions.begin(request, joined.user, joined.device)
    boxes.put(request, CODES, {"codes": joined.codes})
    return redirect("accounts:recovery")


def _box(token: str) -> str:
    return f"joining {token[:16]}"


def _gone(request: HttpRequest, refused: Refused) -> HttpResponse:
    return render(request, "accounts/gone.html", {"refused": refused}, status=410)
