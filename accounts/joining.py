"""How an account comes to be, or gets new factors: all at once, when the app's first code is confirmed."""

from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import factors, recovery, totp
from accounts.errors import Refused
from accounts.models import Role, SlowDevice, User


@dataclass(frozen=True)
class Details:
    """What somebody typed in the first step; it waits in a sealed box until the second."""

    username: str
    full_name: str
    password_hash: str
    secret: str  # of the new app, hex
    household: str = ""  # at setup only
    time_zone: str = ""

    @staticmethod
    def hashed(password: str) -> str:
        return make_password(password)


@dataclass(frozen=True)
class Joined:
    """Somebody with everything they need; `codes` are to be shown, once."""

    user: User
    device: SlowDevice
    codes: list[str]


def create(
    details: Details, roles: frozenset[str], *, step: int, invited_by: User | None = None, email: str = ""
) -> Joined:
    """A new account with both factors. `step`: of the code that confirmed the app. Raises Refused."""
    user = User(username=details.username, full_name=details.full_name, invited_by=invited_by, email=email)
    for role in Role:
        setattr(user, f"is_{role.value}", role.value in roles)
    user.password = details.password_hash
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise name_taken(details.username) from None
    return _equip(user, details, step)


def renew(user: User, details: Details, *, step: int, reset_by: User | None) -> Joined:
    """New password, app and recovery codes for an account; its passkeys go, and all of its sessions end."""
    user.password, user.reset_by = details.password_hash, reset_by
    user.save(update_fields=["password", "reset_by"])
    factors.forget_all(user)
    return _equip(user, details, step)


def name_taken(username: str) -> Refused:
    return Refused(
        _("Somebody here is called %(username)s already.") % {"username": username},
        _("Choose another user name."),
    )


def _equip(user: User, details: Details, step: int) -> Joined:
    with transaction.atomic():
        device = totp.enrol(user, bytes.fromhex(details.secret), last_step=step)
        return Joined(user, device, recovery.renew(user))
