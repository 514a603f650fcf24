"""Signing in and out."""

from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts import names, recovery, sessions, signin, throttle
from accounts.addresses import address_of
from accounts.forms import SignInForm
from accounts.guards import is_verified, me, posted
from accounts.models import RecoveryDevice, User
from accounts.words import duration
from audit import trail


def login(request: HttpRequest) -> HttpResponse:
    """Everything on one page: user name, password, code."""
    if is_verified(request.user):
        return HttpResponseRedirect(_next(request))  # `redirect` would look for a view of that name
    form = SignInForm(posted(request))
    if request.method != "POST":
        return _page(request, form, status=200)
    if not form.is_valid():
        return _page(request, form, status=400)
    cookie = request.COOKIES.get(throttle.COOKIE, "")
    found = signin.attempt(**form.cleaned_data, address=address_of(request), cookie=cookie)
    if isinstance(found, signin.SignedIn):
        return _welcome(request, found)
    if isinstance(found, signin.Wait):
        form.add_error(None, f"Too many attempts. Try again in {duration(found.seconds)}.")
        return _page(request, form, status=429, headers={"Retry-After": str(found.seconds)})
    form.add_error(None, signin.WRONG)
    return _page(request, form, status=400)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    trail.record("logout", actor=me(request).username, address=address_of(request))
    auth.logout(request)
    messages.success(request, "You are signed out.")
    return redirect("accounts:login")


def _welcome(request: HttpRequest, found: signin.SignedIn) -> HttpResponse:
    response = HttpResponseRedirect(_next(request))
    sessions.begin(request, found.user, found.device)
    if isinstance(found.device, RecoveryDevice):
        left = recovery.left(found.user)
        text = (
            f"You signed in with a recovery code; {left} are left. Is your phone gone? Set up a new app here."
        )
        messages.warning(request, text)
        response = redirect("accounts:account")
    cookie = throttle.known_cookie(names.normalised(found.user.username))
    response.set_cookie(
        throttle.COOKIE, cookie, max_age=throttle.COOKIE_AGE, secure=True, httponly=True, samesite="Lax"
    )
    return response


def _page(
    request: HttpRequest, form: SignInForm, *, status: int, headers: dict[str, str] | None = None
) -> HttpResponse:
    page = render(
        request,
        "accounts/login.html",
        {"form": form, "next": _next(request), "nobody": not User.objects.exists()},
        status=status,
    )
    for name, value in (headers or {}).items():
        page.headers[name] = value
    return page


def _next(request: HttpRequest) -> str:
    """Where to go after signing in: a page of this portal only."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=True)
    return wanted if safe else "/"
