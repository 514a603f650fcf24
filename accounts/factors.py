"""What somebody signs in with besides the password: apps, passkeys, recovery codes.

Adding or removing one ends the person's other sessions, and they are told (accounts/news.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import django_otp
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp.models import Device

from accounts import passkeys, recovery, sessions, totp
from accounts.addresses import address_of
from accounts.errors import Refused
from accounts.models import Passkey, RecoveryDevice, TotpDevice, User
from audit import trail

Kind = Literal["app", "passkey", "recovery"]
APP, PASSKEY, RECOVERY = "app", "passkey", "recovery"
MOST_APPS = 5
MODELS: dict[str, type[TotpDevice] | type[Passkey]] = {APP: TotpDevice, PASSKEY: Passkey}


@dataclass(frozen=True)
class Factor:
    """`host`: the only name a passkey works under; `alone`: it needs no password; `left`: recovery codes."""

    pk: int
    kind: Kind
    name: str
    added_at: datetime | None
    last_used_at: datetime | None
    host: str = ""
    alone: bool = False
    synced: bool = False
    left: int = 0


def of(user: User) -> list[Factor]:
    """All of them: passkeys, apps, recovery codes, each kind in the order they were added."""
    return [*_passkeys(user), *_apps(user), *_recovery(user)]


def urged(user: User) -> bool:
    """Whether this person decides for others and has no passkey: codes can be fished, passkeys cannot."""
    return user.is_officer and not Passkey.objects.filter(user=user, confirmed=True).exists()


def find(user: User, kind: str, pk: int) -> Factor | None:
    return next((one for one in of(user) if (one.kind, one.pk) == (kind, pk) and kind in MODELS), None)


def is_last(user: User, factor: Factor) -> bool:
    """Whether nothing but recovery codes would be left: they are for a bad day, and run out."""
    return not any(one != factor and one.kind != RECOVERY for one in of(user))


def add_app(
    request: HttpRequest, user: User, name: str, secret: bytes, *, step: int, instead: int | None
) -> TotpDevice:
    """One more app; `instead` of the one with that key, which goes. `step`: of the code that confirmed it."""
    with transaction.atomic():
        _lock(user)
        gone = TotpDevice.objects.filter(user=user, pk=instead).first() if instead else None
        app = totp.enrol(user, secret, last_step=step, name=name)
        if gone is not None:
            _let_go(request, gone, app)
            gone.delete()
        detail: dict[str, object] = {"name": name} | ({"instead": gone.name} if gone else {})
        _record(request, "app.changed" if gone else "app.added", user, detail)
    sessions.rebind(request, user)
    return app


def may_add_app(user: User) -> bool:
    return TotpDevice.objects.filter(user=user).count() < MOST_APPS


def add_passkey(request: HttpRequest, user: User, name: str, answer: str) -> Passkey:
    """Raises PasskeyRefused."""
    passkey = passkeys.add(request, user, name, answer)
    sessions.rebind(request, user)
    return passkey


def rename(request: HttpRequest, user: User, factor: Factor, name: str) -> None:
    with transaction.atomic():
        MODELS[factor.kind].objects.filter(user=user, pk=factor.pk).update(name=name)
        _record(request, "factor.renamed", user, {"before": factor.name, "after": name})


def remove(request: HttpRequest, user: User, factor: Factor) -> None:
    """Raises Refused for the last one."""
    with transaction.atomic():
        _lock(user)  # two that are removed at once: the second is the last then
        if is_last(user, factor):
            raise Refused(_("This is the last one you have."), _("Add another one first."))
        device = MODELS[factor.kind].objects.get(user=user, pk=factor.pk)
        _let_go(request, device, _another(user, factor))
        device.delete()
        _record(request, f"{factor.kind}.removed", user, {"name": factor.name})
    sessions.rebind(request, user)


def forget_all(user: User) -> None:
    """For a new beginning with a new password and app (accounts/joining.py): what was lost opens nothing."""
    for model in (TotpDevice, Passkey, RecoveryDevice):
        model.objects.filter(user=user).delete()


def _lock(user: User) -> None:
    User.objects.select_for_update().get(pk=user.pk)


def _let_go(request: HttpRequest, device: Device, other: Device) -> None:
    """This session may have been verified by what goes now: a factor was given just before, so it stays."""
    if getattr(request.user, "otp_device", None) == device:
        django_otp.login(request, other)


def _another(user: User, factor: Factor) -> Device:
    rows: list[Device] = [*Passkey.objects.filter(user=user), *TotpDevice.objects.filter(user=user)]
    left = [row for row in rows if (type(row), row.pk) != (MODELS[factor.kind], factor.pk)]
    return left[0]


def _passkeys(user: User) -> list[Factor]:
    return [
        Factor(
            row.pk,
            "passkey",
            row.name,
            row.created_at,
            row.last_used_at,
            host=row.host,
            alone=row.alone,
            synced=row.synced,
        )
        for row in Passkey.objects.filter(user=user, confirmed=True).order_by("pk")
    ]


def _apps(user: User) -> list[Factor]:
    rows = TotpDevice.objects.filter(user=user, confirmed=True).order_by("pk")
    return [Factor(row.pk, "app", row.name, row.created_at, row.last_used_at) for row in rows]


def _recovery(user: User) -> list[Factor]:
    left = recovery.left(user)
    rows = RecoveryDevice.objects.filter(user=user, confirmed=True).order_by("pk")[: 1 if left else 0]
    name = _("Recovery codes")
    return [Factor(row.pk, "recovery", name, row.created_at, row.last_used_at, left=left) for row in rows]


def _record(request: HttpRequest, action: str, user: User, detail: dict[str, object]) -> None:
    trail.record(
        action, actor=user.username, address=address_of(request), target=user.username, detail=detail
    )
