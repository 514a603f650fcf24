"""What every page template knows."""

from django.http import HttpRequest

from accounts import household as households
from accounts.models import User


def household(request: HttpRequest) -> dict[str, object]:
    """`household` (the row) and `my_roles`: the `Role` values of whoever is signed in."""
    user = getattr(request, "user", None)
    roles = user.roles if isinstance(user, User) and user.is_authenticated else frozenset()
    return {"household": households.current(), "my_roles": roles}
