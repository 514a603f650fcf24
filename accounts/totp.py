"""Second factors of a person: the TOTP app and, in its stead, a recovery code."""

import re

import django_otp
from django.db import transaction

from accounts import household, recovery, timecodes
from accounts.models import RecoveryDevice, SlowDevice, TotpDevice, User
from accounts.sealing import seal, unseal

_DUMMY = seal(timecodes.new_secret(), "totp of nobody")


def enrol(user: User, secret: bytes | None = None, *, last_step: int = -1) -> TotpDevice:
    """Make `secret` (20 random bytes when not given) the person's only TOTP app.

    Sessions that the old app verified end with it. `last_step` is the time step of the code that confirmed
    the new app, so that this code is spent.
    """
    with transaction.atomic():
        TotpDevice.objects.filter(user=user).delete()
        device = TotpDevice(user=user, name="App", last_step=last_step)
        device.secret = secret or timecodes.new_secret()
        device.save()
    return device


def uri(device: TotpDevice) -> str:
    """The otpauth:// address of the app, with the household's name as its issuer."""
    return timecodes.uri(device.secret, account=device.user.username, issuer=household.current().name)


def digits(typed: str) -> str:
    """A code without the blanks and hyphens that apps and people put in."""
    return re.sub(r"[\s\-]", "", typed)


def device_for(user: User, typed: str) -> SlowDevice | None:
    """The one device that `typed` is meant for, by its form: a recovery code never counts against the app."""
    model = RecoveryDevice if recovery.looks_like_code(typed) else TotpDevice
    found: SlowDevice | None = model.objects.filter(user=user, confirmed=True).order_by("pk").first()
    return found


def verify(user: User, typed: str) -> SlowDevice | None:
    """Check a code of the app or a recovery code and use it up; None when it is not good.

    None as well while the device makes one wait (`seconds_to_wait`): then the code was not looked at.
    """
    device = device_for(user, typed)
    if device is None:
        verify_nobody(typed)
        return None
    clean = recovery.normalised(typed) if isinstance(device, RecoveryDevice) else digits(typed)
    return device if django_otp.verify_token(user, device.persistent_id, clean) else None


def verify_nobody(typed: str) -> None:
    """The same work for a person who does not exist, so that the time taken tells nothing."""
    with transaction.atomic():
        TotpDevice.objects.select_for_update().filter(pk=-1).first()
        timecodes.matching_step(unseal(_DUMMY, "totp of nobody"), digits(typed)[:6])
