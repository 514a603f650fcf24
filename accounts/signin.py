"""The one attempt to sign in: all that was given together; the same work and words whatever is wrong.

A name and a password with a code or a passkey, or a passkey alone.
"""

from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from accounts import challenges, names, passkeys, recovery, throttle, totp
from accounts.addresses import address_of
from accounts.models import Passkey, RecoveryDevice, User
from accounts.passkey_answers import PasskeyRefused, read
from audit import trail

WRONG = _(
    "That did not work. Check the user name, the password and the code. Each code works once: wait until your"
    " app shows the next one. Still refused? Then type two in a row into the one field."
)
WRONG_BEFORE_PASSKEY = _(
    "That did not work. Check the user name and the password. If both are right, you have no passkey for this"
    " address of the portal: type a code of your app."
)


@dataclass(frozen=True)
class SignedIn:
    user: User
    device: Device


@dataclass(frozen=True)
class Wait:
    seconds: int


@dataclass(frozen=True)
class Off:
    """Name and password are right; the code is that of a clock which is so many steps ahead."""

    steps: int


def attempt(
    username: str, password: str, code: str, *, address: str, cookie: str
) -> SignedIn | Wait | Off | None:
    """SignedIn; Wait when it was not even looked at; Off or None when something of it is wrong.

    `cookie` is the browser's `throttle.COOKIE`. The password's hash is computed exactly once whether the name
    exists or not, outside the transaction, as it is slow on purpose.
    """
    name = names.normalised(username)
    keys = throttle.keys_for(name, address, cookie, recovery.of_name(name, code))
    wait = throttle.begin(keys)
    if wait:
        return Wait(wait)
    user = authenticate(username=name, password=password)
    off = None
    with transaction.atomic():
        if isinstance(user, User):
            verdict = totp.judge(user, code)
            if verdict.device:
                return _welcome(user, verdict.device, keys, address)
            off = verdict.off
        else:
            totp.verify_nobody(code)
        _record_failure(name, address, {} if off is None else {"off": off})
    return None if off is None else Off(off)


def ask_second(request: HttpRequest, username: str, password: str) -> dict[str, object] | Wait | None:
    """The question to the passkeys of whoever knows this password; None when something is wrong, or none is.

    It costs an attempt until the answer comes: passwords are tried here no faster than with codes.
    """
    name, address = names.normalised(username), address_of(request)
    keys = throttle.keys_for(name, address, request.COOKIES.get(throttle.COOKIE, ""))
    if wait := throttle.begin(keys):
        return Wait(wait)
    user = authenticate(username=name, password=password)
    if isinstance(user, User) and passkeys.usable(request, user):
        return passkeys.question(request, challenges.SECOND, user)
    _record_failure(name, address, {"asked": "passkey"})
    return None


def with_passkey(request: HttpRequest, username: str, password: str, answer: str) -> SignedIn | Wait | str:
    """What follows `ask_second`: SignedIn, or the sentence why not."""
    name, address = names.normalised(username), address_of(request)
    keys = throttle.keys_for(name, address, request.COOKIES.get(throttle.COOKIE, ""))
    if wait := throttle.begin(keys):
        return Wait(wait)
    user = authenticate(username=name, password=password)
    if not isinstance(user, User):
        _record_failure(name, address, {"asked": "passkey"})
        return str(WRONG_BEFORE_PASSKEY)
    return _answered(request, challenges.SECOND, answer, user, keys)


def alone(request: HttpRequest, answer: str) -> SignedIn | Wait | str:
    """A passkey that checked its user, and nothing else: SignedIn, or the sentence why not.

    What answers a question of this browser is looked at while others wait, too: nobody guesses a signature,
    so whoever hammers a name keeps nobody out who has a passkey. Questions are few (accounts/challenges.py).
    """
    address = address_of(request)
    keys = throttle.keys_for(_name_behind(answer), address, request.COOKIES.get(throttle.COOKIE, ""))
    wait = throttle.begin(keys)
    if wait and not passkeys.is_asked(request, challenges.ALONE, answer):
        return Wait(wait)
    return _answered(request, challenges.ALONE, answer, None, keys)


def _answered(
    request: HttpRequest, purpose: str, answer: str, user: User | None, keys: throttle.Keys
) -> SignedIn | str:
    try:
        passkey = passkeys.check(request, purpose, answer, user)
    except PasskeyRefused as refused:
        return str(refused)
    return _welcome(passkey.user, passkey, keys, address_of(request))


def _name_behind(answer: str) -> str:
    """Whose passkey this claims to be: wrong ones count against that account's attempts."""
    try:
        rows = Passkey.objects.filter(credential_id=read(answer).credential_id)
    except PasskeyRefused:
        return ""
    return rows.values_list("user__username", flat=True).first() or ""


def _welcome(user: User, device: Device, keys: throttle.Keys, address: str) -> SignedIn:
    with transaction.atomic():
        throttle.succeeded(keys)
        _record_success(user, device, address)
    return SignedIn(user, device)


def _record_success(user: User, device: Device, address: str) -> None:
    by_recovery = isinstance(device, RecoveryDevice)
    if by_recovery:
        left = {"left": recovery.left(user)}
        trail.record("recovery.used", actor=user.username, address=address, detail=left)
    used = "passkey" if isinstance(device, Passkey) else "recovery" if by_recovery else "totp"
    detail = {"factor": used}
    trail.record("login.ok", actor=user.username, address=address, target=user.username, detail=detail)


def _record_failure(name: str, address: str, detail: dict[str, object]) -> None:
    trail.record("login.failed", address=address, target=names.printable(name), detail=detail)
