"""One's own account: name, password, recovery codes; what else one signs in with is in factors.py."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from accounts import boxes, deliveries, factors, languages, recovery, relying, sessions
from accounts.addresses import address_of
from accounts.forms import PasswordForm, ProfileForm
from accounts.freshness import SECONDS, FreshFactorForm
from accounts.guards import me, posted, requires
from accounts.views.joining import CODES
from audit import trail

_PROFILE = ("full_name", "email", "language")
# Seconds that new recovery codes can be seen again, from their making on: as long as the code counts that
# they were made with. A session that somebody steals later does not show them.
_TTL = SECONDS
_CODES_HIDDEN = gettext_lazy(
    "New recovery codes are shown for five minutes only. If you kept them, they work. If not, make new ones"
    " here; nothing else is lost."
)


@requires()
def account(request: HttpRequest) -> HttpResponse:
    user = me(request)
    own = factors.of(user)
    context = {
        "factors": [one for one in own if one.kind != factors.RECOVERY],
        "left": recovery.left(user),
        "urged": factors.urged(user),
        "party": relying.party(request),
        "mute": deliveries.troubled().filter(user=user),
    }
    return render(request, "accounts/account.html", context)


@requires()
def profile(request: HttpRequest) -> HttpResponse:
    user = me(request)
    before = {name: getattr(user, name) for name in _PROFILE}
    form = ProfileForm(request, posted(request), initial=before)
    if form.is_valid():
        for name in _PROFILE:
            setattr(user, name, form.cleaned_data[name])
        with transaction.atomic():
            user.save(update_fields=_PROFILE)
            if user.email != before["email"]:
                deliveries.readdressed(user)
            _record_profile(request, before, form.cleaned_data)
        languages.speak(user)
        messages.success(request, _("Saved."))
        return redirect("accounts:account")
    return _form_page(request, "accounts/profile.html", form)


def _record_profile(request: HttpRequest, before: dict[str, str], after: dict[str, str]) -> None:
    """What the person is told of (accounts/news.py) apart from what no thief would change."""
    who = ("full_name", "email")
    if any(before[name] != after[name] for name in who):
        _record(request, "person.changed", {"before": before, "after": after})
    elif before != after:
        _record(request, "language.changed", {"before": before["language"], "after": after["language"]})


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
        messages.success(request, _("Your password is changed. Everywhere else you are signed out."))
        return redirect("accounts:account")
    return _form_page(request, "accounts/password.html", form)


@requires()
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Shows new codes until somebody says they have kept them; otherwise makes new ones."""
    if request.method == "POST" and "kept" in request.POST:  # however long they were looked at
        boxes.drop(request, CODES)
        return redirect("portal:home")
    waited, shown = boxes.has(request, CODES), boxes.get(request, CODES, ttl=_TTL)
    if waited and shown is None:
        messages.info(request, str(_CODES_HIDDEN))
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


def _form_page(request: HttpRequest, template: str, form: object, **context: object) -> HttpResponse:
    status = 400 if getattr(form, "errors", None) else 200
    return render(request, template, {"form": form, **context}, status=status)


def _record(request: HttpRequest, action: str, detail: dict[str, object] | None = None) -> None:
    user = me(request)
    trail.record(
        action, actor=user.username, address=address_of(request), target=user.username, detail=detail
    )
