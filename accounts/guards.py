"""Who may open a page: the middleware asked for a verified second factor, this asks for a role."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render

from accounts.models import Role, User

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: even an empty POST, and nothing else."""
    return request.POST if request.method == "POST" else None


def is_verified(user: object) -> bool:
    """Whether this is a person whose session a second factor verified (`otp_device`: OTPMiddleware)."""
    return isinstance(user, User) and user.is_active and getattr(user, "otp_device", None) is not None


def me(request: HttpRequest) -> User:
    """Whoever is signed in with a verified second factor; Http404 when nobody is."""
    user = request.user
    if not isinstance(user, User) or not is_verified(user):
        raise Http404
    return user


def requires(*roles: Role) -> Callable[[View[P]], View[P]]:
    """The view is there for people with any of `roles` (none named: for everybody signed in), else 404.

    404 and not 403: what somebody may not see does not exist for them. Who may see it, but not from where
    they are (accounts/networks.py), is told so.
    """
    wanted = frozenset(role.value for role in roles)

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = me(request)
            if wanted and not wanted & user.roles:
                if wanted & user.withheld:
                    return render(request, "accounts/elsewhere.html", status=403)
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return decorate
