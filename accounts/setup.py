"""The very first account: its link stands in the terminal, and in a file for this program's user only."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts import joining
from accounts.errors import Refused
from accounts.joining import Details, Joined
from accounts.models import Household, Role, User
from audit import trail

FIRST = frozenset({Role.ADMINISTRATOR.value, Role.OFFICER.value, Role.REQUESTER.value})
_DONE = gettext_lazy("This household is set up already.")


def ensure_token() -> str | None:
    """The token of the setup link, made when there is none; None once an account exists."""
    if User.objects.exists():
        _forget()
        return None
    path = _file()
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text().strip() or None


def fits(token: str) -> bool:
    """Whether this is the token, and nobody has used it."""
    try:
        right = _file().read_text().strip()
    except OSError:
        return False
    same = secrets.compare_digest(token.encode(), right.encode())
    return bool(right) and same and not User.objects.exists()


def complete(token: str, details: Details, *, step: int, address: str = "") -> Joined:
    """Make the first account, and name the household. Raises Refused when somebody was first."""
    with transaction.atomic():
        household, _made = Household.objects.select_for_update().get_or_create(pk=1)
        if not fits(token):
            raise Refused(_DONE, _("Sign in, or ask the administrator to invite you."))
        household.name, household.time_zone = details.household, details.time_zone
        household.language = get_language() or household.language  # as the pages spoke to whoever set it up
        household.save()
        joined = joining.create(details, FIRST, step=step)
        trail.record(
            "setup.done",
            actor=joined.user.username,
            address=address,
            target=household.name,
            detail={"time_zone": household.time_zone, "roles": FIRST},
        )
        transaction.on_commit(_forget)
    return joined


def _file() -> Path:
    return Path(settings.WEB_DIR) / "setup-link"


def _forget() -> None:
    """The token is void once an account exists; a file that cannot be removed does no harm."""
    with suppress(OSError):
        _file().unlink()
