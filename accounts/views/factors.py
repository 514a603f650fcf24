"""What one signs in with: a page for each, and the ways to add another app or passkey."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts import boxes, challenges, factors, household, names, passkeys, relying, timecodes, useragent
from accounts.errors import Refused
from accounts.factors import Factor
from accounts.forms import AppForm
from accounts.freshness import SECONDS, FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.models import User
from accounts.passkey_answers import PasskeyRefused
from accounts.views.joining import app_context

# What waits to be made can be gone on with for as long as the code counts that it was begun with. A session
# that somebody steals later shows neither.
_APP, _PASSKEY, _TTL = "new app", "new passkey", SECONDS
_APP_HIDDEN = gettext_lazy(
    "A new app waits for five minutes only. Begin again here, and remove what you scanned from the app. What"
    " you had still counts; nothing is lost."
)
_PASSKEY_HIDDEN = gettext_lazy("A new passkey waits for five minutes only. Begin again here.")


class NameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Give it a name, for example “Phone”.")},
    )

    def clean_name(self) -> str:
        return names.plain_name(self.cleaned_data["name"])


class NewForm(FreshFactorForm, NameForm):
    """Before something new is shown: its name, and a fresh factor. `instead`: an app that goes then."""

    not_optional = frozenset({"instead"})

    def __init__(self, request: HttpRequest, data: Any = None, *, apps: list[Factor], **kwargs: Any) -> None:
        super().__init__(request, data, **kwargs)
        if apps:
            places = [(str(app.pk), _("It takes the place of “%(app)s”") % {"app": app.name}) for app in apps]
            self.fields["instead"] = forms.ChoiceField(
                label=_("The apps you have"),
                required=False,
                widget=forms.RadioSelect,
                choices=[("", _("All of them stay")), *places],
            )


@requires()
def factor(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Everything about one, a new name, and its removal."""
    user, found = me(request), _found(request, kind, pk)
    form = FreshFactorForm(request, posted(request))
    if form.is_valid():
        try:
            factors.remove(request, user, found)
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("accounts:factor", kind, pk)
        messages.success(request, _("Removed. Everywhere else you are signed out."))
        return redirect("accounts:account")
    return _factor_page(request, found, form, NameForm(initial={"name": found.name}))


@require_POST
@requires()
def rename(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    found = _found(request, kind, pk)
    form = NameForm(posted(request))
    if form.is_valid():
        factors.rename(request, me(request), found, form.cleaned_data["name"])
        return redirect("accounts:account")
    return _factor_page(request, found, FreshFactorForm(request), form)


@requires()
def app(request: HttpRequest) -> HttpResponse:
    """Before a new app is shown, a fresh factor: a code, a recovery code or a passkey."""
    user = me(request)
    apps = [one for one in factors.of(user) if one.kind == factors.APP]
    form = NewForm(request, posted(request), apps=apps, initial={"name": _("App"), "instead": ""})
    if form.is_valid():
        instead = int(form.cleaned_data.get("instead") or 0)
        if instead or factors.may_add_app(user):
            kept = {"secret": timecodes.new_secret().hex(), "instead": instead}
            boxes.put(request, _APP, kept | {"name": form.cleaned_data["name"]})
            return redirect("accounts:app-confirm")
        form.add_error(None, _("You have five apps. Let the new one take the place of another."))
    return _page(request, "accounts/app_begin.html", form)


@requires()
def app_confirm(request: HttpRequest) -> HttpResponse:
    """The new app counts with its first right code; every other session ends."""
    kept = _kept(request, _APP, str(_APP_HIDDEN))
    if kept is None:
        return redirect("accounts:app")
    user = me(request)
    form = AppForm(bytes.fromhex(kept["secret"]), posted(request))
    if form.is_valid():
        name, instead = kept["name"], kept["instead"]
        factors.add_app(request, user, name, form.secret, step=form.step, instead=instead)
        boxes.drop(request, _APP)
        messages.success(request, _app_words(bool(instead)))
        return redirect("accounts:account")
    context = app_context(form, account=user.username, issuer=household.current().name)
    return render(request, "accounts/app.html", context, status=400 if form.errors else 200)


@requires()
def passkey(request: HttpRequest) -> HttpResponse:
    """Before a passkey is made: its name, and a fresh factor. On a bare IP address why there is none."""
    if relying.party(request) is None:
        context = {"names": relying.better_names(request), "path": request.path}
        return render(request, "accounts/passkey_nameless.html", context)
    guess = useragent.read(request.META.get("HTTP_USER_AGENT", "")).words
    form = NewForm(request, posted(request), apps=[], initial={"name": guess})
    if form.is_valid():
        boxes.put(request, _PASSKEY, {"name": form.cleaned_data["name"]})
        return redirect("accounts:passkey-make")
    return _page(request, "accounts/passkey_begin.html", form, party=relying.party(request))


@requires()
def passkey_make(request: HttpRequest) -> HttpResponse:
    """The page on which the browser makes it, and to which it sends what is kept here."""
    kept = _kept(request, _PASSKEY, str(_PASSKEY_HIDDEN))
    if kept is None:
        return redirect("accounts:passkey")
    refused = ""
    if request.method == "POST":
        try:
            made = factors.add_passkey(request, me(request), kept["name"], request.POST.get("passkey", ""))
        except PasskeyRefused as why:
            refused = str(why)
        else:
            boxes.drop(request, _PASSKEY)
            messages.success(request, _passkey_words(made.alone))
            return redirect("accounts:account")
    context = {"name": kept["name"], "refused": refused, "party": relying.party(request)}
    return render(request, "accounts/passkey_make.html", context, status=400 if refused else 200)


@require_POST
@requires()
def passkey_invitation(request: HttpRequest) -> HttpResponse:
    """What the browser asks its authenticators when it makes one; JSON."""
    if boxes.get(request, _PASSKEY, ttl=_TTL) is None:
        return JsonResponse({"error": str(_PASSKEY_HIDDEN)}, status=400)
    try:
        return JsonResponse(passkeys.invitation(request, me(request)))
    except Refused as refused:
        return JsonResponse({"error": str(refused)}, status=400)


@require_POST
@requires()
def passkey_fresh(request: HttpRequest) -> HttpResponse:
    """The question whose answer goes along with a decision in place of a code; JSON."""
    try:
        return JsonResponse(passkeys.question(request, challenges.FRESH, me(request)))
    except Refused as refused:
        return JsonResponse({"error": str(refused)}, status=400)


def _found(request: HttpRequest, kind: str, pk: int) -> Factor:
    found = factors.find(me(request), kind, pk)
    if found is None:
        raise Http404
    return found


def _kept(request: HttpRequest, name: str, too_old: str) -> dict[str, Any] | None:
    """What waits in the box; when it waited too long, nothing any more, and `too_old` says it once."""
    waited = boxes.has(request, name)
    kept = boxes.get(request, name, ttl=_TTL)
    if waited and kept is None:
        messages.info(request, too_old)
    return kept


def _app_words(instead: bool) -> str:
    if instead:
        return _("The new app counts from now on; remove this account from the old one.")
    return _("The new app counts from now on. Everywhere else you are signed out.")


def _passkey_words(alone: bool) -> str:
    if alone:
        return _("Your passkey is kept, and is enough to sign in: no user name, no password, no code.")
    return _("Your passkey is kept. It takes the place of the code; the password stays.")


def _factor_page(request: HttpRequest, found: Factor, form: forms.Form, name: forms.Form) -> HttpResponse:
    user: User = me(request)
    context = {
        "factor": found,
        "form": form,
        "name": name,
        "last": factors.is_last(user, found),
        "party": relying.party(request),
    }
    status = 400 if form.errors or name.errors else 200
    return render(request, "accounts/factor.html", context, status=status)


def _page(request: HttpRequest, template: str, form: forms.Form, **context: object) -> HttpResponse:
    return render(request, template, {"form": form, **context}, status=400 if form.errors else 200)
