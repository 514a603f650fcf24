"""The way back in from the login page, and the officer's answer to whoever takes it."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts import asking_back, people
from accounts.addresses import address_of
from accounts.asking_back import Standing
from accounts.errors import Refused
from accounts.freshness import FreshFactorForm
from accounts.guards import me, requires
from accounts.models import AskedBack, Role, User
from accounts.words import duration

COOKIE = "__Host-latchkey-back"
TOO_MANY = 429


class NameForm(forms.Form):
    """For whom somebody asks."""

    username = forms.CharField(
        label=gettext_lazy("Your user name"),
        max_length=150,
        help_text=gettext_lazy("The one you sign in with, for example anna."),
        widget=forms.TextInput(
            {"autocomplete": "username", "autocapitalize": "off", "autocorrect": "off", "spellcheck": "false"}
        ),
        error_messages={"required": gettext_lazy("Type your user name, for example anna.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def back(request: HttpRequest) -> HttpResponse:
    """What can be done by oneself; then asking; then the words, until it is allowed."""
    if request.method == "POST":
        return _ask(request)
    found = _standing(request)
    if found is None or "anew" in request.GET:
        return render(request, "accounts/back.html", {"form": NameForm(), "waits": found is not None})
    if found.allowed:
        return redirect("accounts:invitation", request.COOKIES[COOKIE])
    return _waiting(request, found, "accounts/back_waiting.html")


@require_safe
def back_state(request: HttpRequest) -> HttpResponse:
    """The fragment that the page asks for again; with a new version when there is something to do."""
    return _waiting(request, _standing(request), "accounts/_back_state.html")


@requires(Role.OFFICER, Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def person_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Compare the words with the person, then let them in or not."""
    person = get_object_or_404(User, pk=pk)
    asked, may = asking_back.of(person), people.may_reset(me(request), person)
    different = request.POST.get("verdict") == "different"
    form = FreshFactorForm(request, request.POST if request.method == "POST" and not different else None)
    if request.method == "POST" and (different or form.is_valid()):
        try:
            return _decide(request, person, different=different)
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("accounts:person-back", pk)
    words = asking_back.words(asked) if asked and may else ()
    context = {"person": person, "asked": asked, "words": words, "may_reset": may, "form": form}
    return render(request, "accounts/person_back.html", context, status=400 if form.errors else 200)


def _ask(request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/back.html", {"form": form}, status=400)
    token, wait = asking_back.ask(form.cleaned_data["username"], address=address_of(request))
    if wait:
        form.add_error(None, _("Too many attempts. Try again in %(time)s.") % {"time": duration(wait)})
        page = render(request, "accounts/back.html", {"form": form}, status=TOO_MANY)
        page.headers["Retry-After"] = str(wait)
        return page
    answer = redirect("accounts:back")
    seconds = int(asking_back.GOOD_FOR.total_seconds()) * 2  # a day until it is allowed, and one after that
    answer.set_cookie(COOKIE, token, max_age=seconds, secure=True, httponly=True, samesite="Lax")
    return answer


def _standing(request: HttpRequest) -> Standing | None:
    token = request.COOKIES.get(COOKIE, "")
    return asking_back.standing(token) if token else None


def _waiting(request: HttpRequest, found: Standing | None, template: str) -> HttpResponse:
    waits = found is not None and not found.allowed
    context = {"asked": found, "words": found.words if found else (), "version": "wait" if waits else "go on"}
    return render(request, template, context)


def _decide(request: HttpRequest, person: User, *, different: bool) -> HttpResponse:
    """On what the page showed: `asked` is the one whose words were compared."""
    verb = asking_back.refuse if different else asking_back.allow
    verb(_shown(request, person), by=me(request), address=address_of(request))
    named = {"name": person.both_names}
    if different:
        messages.success(request, _("Refused. Nothing changes for %(name)s.") % named)
    else:
        said = _("%(name)s goes on in the browser that showed the words: a new password, then a new app.")
        messages.success(request, said % named)
    return redirect("accounts:person", person.pk)


def _shown(request: HttpRequest, person: User) -> UUID:
    try:
        pk = UUID(request.POST.get("asked", ""))
    except ValueError:
        pk = UUID(int=0)
    known = AskedBack.objects.filter(pk=pk, account=person)
    return pk if known.exists() else UUID(int=0)
