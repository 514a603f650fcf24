"""The one attempt to sign in: name, password and code together; the same work and words whatever is wrong."""

from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.db import transaction

from accounts import names, recovery, throttle, totp
from accounts.models import RecoveryDevice, SlowDevice, User
from audit import trail

WRONG = (
    "That did not work. Check the user name, the password and the code. Each code works once: wait until your"
    " app shows the next one."
)


@dataclass(frozen=True)
class SignedIn:
    user: User
    device: SlowDevice


@dataclass(frozen=True)
class Wait:
    seconds: int


def attempt(username: str, password: str, code: str, *, address: str, cookie: str) -> SignedIn | Wait | None:
    """SignedIn; Wait when it was not even looked at; None when something of it is wrong.

    `cookie` is the browser's `throttle.COOKIE`. The password's hash is computed exactly once whether the name
    exists or not, outside the transaction, as it is slow on purpose.
    """
    name = names.normalised(username)
    keys = throttle.keys_for(name, address, cookie)
    wait = throttle.begin(keys)
    if wait:
        return Wait(wait)
    user = authenticate(username=name, password=password)
    with transaction.atomic():
        if isinstance(user, User):
            device = totp.verify(user, code)
            if device:
                throttle.succeeded(keys)
                _record_success(user, device, address)
                return SignedIn(user, device)
        else:
            totp.verify_nobody(code)
        trail.record("login.failed", address=address, target=names.printable(name))
    return None


def _record_success(user: User, device: SlowDevice, address: str) -> None:
    by_recovery = isinstance(device, RecoveryDevice)
    if by_recovery:
        left = {"left": recovery.left(user)}
        trail.record("recovery.used", actor=user.username, address=address, detail=left)
    factor = {"factor": "recovery" if by_recovery else "totp"}
    trail.record("login.ok", actor=user.username, address=address, target=user.username, detail=factor)
