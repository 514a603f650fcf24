"""Signing in and out."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import challenges, clocks, names, passkeys, recovery, relying, sessions, signin, throttle
from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.forms import SignInForm
from accounts.guards import is_verified, me, posted
from accounts.models import RecoveryDevice, User
from accounts.signin import Off, SignedIn, Wait
from accounts.words import duration
from audit import trail


@sensitive_post_parameters()
def login(request: HttpRequest) -> HttpResponse:
    """Everything on one page: user name, password, code; or a passkey in place of the code or of all."""
    if is_verified(request.user):
        return HttpResponseRedirect(_next(request))  # `redirect` would look for a view of that name
    form = SignInForm(posted(request))
    if request.method != "POST":
        return _page(request, form, status=200)
    if request.POST.get("passkey"):
        return _by_passkey(request)
    if not form.is_valid():
        return _page(request, form, status=400)
    cookie = request.COOKIES.get(throttle.COOKIE, "")
    found = signin.attempt(**form.cleaned_data, address=address_of(request), cookie=cookie)
    if isinstance(found, SignedIn):
        return _welcome(request, found)
    if isinstance(found, Wait):
        return _wait(request, form, found)
    if isinstance(found, Off):
        form.add_error("code", clocks.explained(found.steps))
    else:
        form.add_error(None, signin.WRONG)
    return _page(request, form, status=400)


@sensitive_post_parameters()
@require_POST
def passkey(request: HttpRequest) -> HttpResponse:
    """The question to a passkey, as JSON: of whose name and password come along, else of anybody."""
    username, password = (request.POST.get(name, "").replace("\0", "") for name in ("username", "password"))
    try:
        if username and password:
            found = signin.ask_second(request, username[:150], password[:256])
        else:
            found = passkeys.question(request, challenges.ALONE)
    except Refused as refused:
        return JsonResponse({"error": str(refused)}, status=400)
    if isinstance(found, Wait):
        return JsonResponse({"error": _too_many(found)}, status=429, headers=_retry(found))
    if found is None:
        return JsonResponse({"error": str(signin.WRONG_BEFORE_PASSKEY)}, status=400)
    return JsonResponse(found)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    trail.record("logout", actor=me(request).username, address=address_of(request))
    sessions.end(request)
    messages.success(request, _("You are signed out."))
    return redirect("accounts:login")


def _by_passkey(request: HttpRequest) -> HttpResponse:
    answer = request.POST["passkey"]
    form = SignInForm(request.POST)
    form.fields["code"].required = False
    if "password" in request.POST:
        if not form.is_valid():
            return _page(request, form, status=400)
        given = form.cleaned_data
        found = signin.with_passkey(request, given["username"], given["password"], answer)
    else:
        form = SignInForm()
        found = signin.alone(request, answer)
    if isinstance(found, SignedIn):
        return _welcome(request, found)
    if isinstance(found, Wait):
        return _wait(request, form, found)
    return _page(request, form, status=400, refused=found)


def _welcome(request: HttpRequest, found: SignedIn) -> HttpResponse:
    response = HttpResponseRedirect(_next(request))
    sessions.begin(request, found.user, found.device)
    if isinstance(found.device, RecoveryDevice):
        left = recovery.left(found.user)
        text = ngettext(
            "You signed in with a recovery code; %(left)d is left.",
            "You signed in with a recovery code; %(left)d are left.",
            left,
        ) % {"left": left}
        way = _("Is your phone gone? Add a new app or a passkey here, and remove what was lost.")
        messages.warning(request, f"{text} {way}")
        response = redirect("accounts:account")
    cookie = throttle.known_cookie(names.normalised(found.user.username))
    response.set_cookie(
        throttle.COOKIE, cookie, max_age=throttle.COOKIE_AGE, secure=True, httponly=True, samesite="Lax"
    )
    return response


def _wait(request: HttpRequest, form: SignInForm, found: Wait) -> HttpResponse:
    return _page(request, form, status=429, headers=_retry(found), refused=_too_many(found))


def _too_many(found: Wait) -> str:
    return _("Too many attempts. Try again in %(time)s.") % {"time": duration(found.seconds)}


def _retry(found: Wait) -> dict[str, str]:
    return {"Retry-After": str(found.seconds)}


def _page(
    request: HttpRequest,
    form: SignInForm,
    *,
    status: int,
    headers: dict[str, str] | None = None,
    refused: str = "",
) -> HttpResponse:
    context = {
        "form": form,
        "refused": refused,
        "next": _next(request),
        "nobody": not User.objects.exists(),
        "party": relying.party(request),
    }
    page = render(request, "accounts/login.html", context, status=status)
    for name, value in (headers or {}).items():
        page.headers[name] = value
    return page


def _next(request: HttpRequest) -> str:
    """Where to go after signing in: a page of this portal only."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=True)
    return wanted if safe else "/"
