"""One's own account: name, password, app, recovery codes."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from accounts import boxes, deliveries, household, recovery, sessions, timecodes, totp
from accounts.addresses import address_of
from accounts.forms import AppForm, PasswordForm, ProfileForm
from accounts.freshness import SECONDS, FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import TotpDevice
from accounts.views.joining import CODES, app_context
from audit import trail

_APP = "new app"
# Seconds that a new app and new recovery codes can be seen again, from their making on: as long as the code
# counts that they were made with. A session that somebody steals later shows neither.
_TTL = SECONDS
_APP_HIDDEN = (
    "A new app waits for five minutes only. Begin again here, and remove what you scanned from the app. The"
    " app you had still counts; nothing is lost."
)
_CODES_HIDDEN = (
    "New recovery codes are shown for five minutes only. If you kept them, they work. If not, make new ones"
    " here; nothing else is lost."
)


@requires()
def account(request: HttpRequest) -> HttpResponse:
    user = me(request)
    app = TotpDevice.objects.filter(user=user, confirmed=True).first()
    context = {"app": app, "left": recovery.left(user), "mute": deliveries.troubled().filter(user=user)}
    return render(request, "accounts/account.html", context)


@requires()
def profile(request: HttpRequest) -> HttpResponse:
    user = me(request)
    form = ProfileForm(posted(request), initial={"full_name": user.full_name, "email": user.email})
    if form.is_valid():
        before = {"full_name": user.full_name, "email": user.email}
        user.full_name, user.email = form.cleaned_data["full_name"], form.cleaned_data["email"]
        with transaction.atomic():
            user.save(update_fields=["full_name", "email"])
            if user.email != before["email"]:
                deliveries.readdressed(user)
            _record(request, "person.changed", {"before": before, "after": form.cleaned_data})
        messages.success(request, "Saved.")
        return redirect("accounts:account")
    return _form_page(request, "accounts/profile.html", form)


@sensitive_post_parameters()
@requires()
def password(request: HttpRequest) -> HttpResponse:
    """A new password; every other session ends."""
    form = PasswordForm(request, posted(request))
    if form.is_valid():
        user = me(request)
        user.set_password(form.cleaned_data["new"])
        with transaction.atomic():
            user.save(update_fields=["password"])
            _record(request, "password.changed")
        sessions.rebind(request, user)
        messages.success(request, "Your password is changed. Everywhere else you are signed out.")
        return redirect("accounts:account")
    return _form_page(request, "accounts/password.html", form)


@requires()
def app(request: HttpRequest) -> HttpResponse:
    """Before a new app is shown, a code of the old one, or a recovery code."""
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        boxes.put(request, _APP, {"secret": timecodes.new_secret().hex()})
        return redirect("accounts:app-confirm")
    return _form_page(request, "accounts/app_begin.html", form)


@requires()
def app_confirm(request: HttpRequest) -> HttpResponse:
    """The new app takes the old one's place with its first right code; every other session ends."""
    kept = _kept(request, _APP, _APP_HIDDEN)
    if kept is None:
        return redirect("accounts:app")
    user = me(request)
    form = AppForm(bytes.fromhex(kept["secret"]), posted(request))
    if form.is_valid():
        with transaction.atomic():
            device = totp.enrol(user, form.secret, last_step=form.step)
            _record(request, "app.changed")
        boxes.drop(request, _APP)
        sessions.rebind(request, user, device)
        messages.success(request, "The new app counts from now on; remove this account from the old one.")
        return redirect("accounts:account")
    context = app_context(form, account=user.username, issuer=household.current().name)
    return render(request, "accounts/app.html", context, status=400 if form.errors else 200)


@requires()
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Shows new codes until somebody says they have kept them; otherwise makes new ones."""
    if request.method == "POST" and "kept" in request.POST:  # however long they were looked at
        boxes.drop(request, CODES)
        return redirect("portal:home")
    shown = _kept(request, CODES, _CODES_HIDDEN)
    if shown is not None:
        return render(request, "accounts/recovery_codes.html", shown)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        with transaction.atomic():
            codes = recovery.renew(me(request))
            _record(request, "recovery.renewed")
        boxes.put(request, CODES, {"codes": codes})
        return redirect("accounts:recovery")
    return _form_page(request, "accounts/recovery.html", form, left=recovery.left(me(request)))


def _kept(request: HttpRequest, name: str, too_old: str) -> dict[str, Any] | None:
    """What waits in the box; when it waited too long, nothing any more, and `too_old` says it once."""
    waited = boxes.has(request, name)
    kept = boxes.get(request, name, ttl=_TTL)
    if waited and kept is None:
        messages.info(request, too_old)
    return kept


def _form_page(request: HttpRequest, template: str, form: object, **context: object) -> HttpResponse:
    status = 400 if getattr(form, "errors", None) else 200
    return render(request, template, {"form": form, **context}, status=status)


def _record(request: HttpRequest, action: str, detail: dict[str, object] | None = None) -> None:
    user = me(request)
    trail.record(
        action, actor=user.username, address=address_of(request), target=user.username, detail=detail
    )
