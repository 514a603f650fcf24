"""Second factors that are typed: the codes of a person's apps and, in their stead, a recovery code."""

import re
from dataclasses import dataclass

import django_otp
from django.db import transaction

from accounts import household, recovery, timecodes
from accounts.models import RecoveryDevice, SlowDevice, TotpDevice, User, WrongCodes
from accounts.sealing import seal, unseal

_DUMMY = seal(timecodes.new_secret(), "totp of nobody")


@dataclass(frozen=True)
class Verdict:
    """`device` accepted what was typed. If none did, `off`: how many steps ahead a clock is that shows it."""

    device: SlowDevice | None
    off: int | None = None


def enrol(user: User, secret: bytes | None = None, *, last_step: int = -1, name: str = "App") -> TotpDevice:
    """One more TOTP app with `secret` (20 random bytes when not given).

    `last_step` is the time step of the code that confirmed the app, so that this code is spent.
    """
    device = TotpDevice(user=user, name=name, last_step=last_step)
    device.secret = secret or timecodes.new_secret()
    if last_step >= 0:
        device.set_last_used_timestamp(commit=False)  # the code that confirmed it was its first use
    device.save()
    return device


def uri(device: TotpDevice) -> str:
    """The otpauth:// address of the app, with the household's name as its issuer."""
    return timecodes.uri(device.secret, account=device.user.username, issuer=household.current().name)


def digits(typed: str) -> str:
    """A code without the blanks and hyphens that apps and people put in."""
    return re.sub(r"[\s\-]", "", typed)


def seconds_to_wait(user: User, typed: str) -> int:
    """Until what was typed is looked at; 0 when it would be now."""
    if recovery.of_name(user.username, typed):
        return 0
    return max((device.seconds_to_wait() for device in _devices(user, typed)), default=0)


def needs_two(user: User, typed: str) -> bool:
    """Whether a single code of this person's apps is not looked at any more, and this is one."""
    single = timecodes.is_code(digits(typed))
    return single and not WrongCodes.one_will_do(user.pk)


def verify(user: User, typed: str) -> SlowDevice | None:
    """Check a code of an app or a recovery code and use it up; None when it is not good.

    None as well while one has to wait (`seconds_to_wait`): then the code was not looked at.
    """
    return judge(user, typed).device


def judge(user: User, typed: str) -> Verdict:
    """The same, with what a clock has to do with it."""
    if recovery.looks_like_code(typed):
        return _recovery(user, recovery.normalised(typed))
    return _app(user, digits(typed))


def verify_nobody(typed: str) -> None:
    """The same work for a person who does not exist, so that the time taken tells nothing."""
    code = digits(typed)[:6]
    with transaction.atomic():
        TotpDevice.objects.select_for_update().filter(pk=-1).first()
        secret = unseal(_DUMMY, "totp of nobody")
        timecodes.matching_step(secret, code)
        for _ in range(2):
            _shown(secret, code)


def _devices(user: User, typed: str) -> list[SlowDevice]:
    """Those that `typed` is meant for, by its form."""
    model = RecoveryDevice if recovery.looks_like_code(typed) else TotpDevice
    return list(model.objects.filter(user=user, confirmed=True))


def _recovery(user: User, code: str) -> Verdict:
    """A recovery code never counts against an app, nor an app's code against those."""
    device = RecoveryDevice.objects.filter(user=user, confirmed=True).order_by("pk").first()
    if device is None:
        verify_nobody(code)
        return Verdict(None)
    return Verdict(device if django_otp.verify_token(user, device.persistent_id, code) else None)


def _app(user: User, code: str) -> Verdict:
    """All of the person's apps are locked together, and one that makes wait holds the others up too.

    So nobody guesses twice as fast, or twice as often, with two apps.
    """
    with transaction.atomic():
        rows = TotpDevice.objects.select_for_update().filter(user=user, confirmed=True).order_by("pk")
        apps = list(rows)
        if not apps:
            verify_nobody(code)
        if not apps or any(app.seconds_to_wait() for app in apps) or not apps[0].looks_at(code):
            return Verdict(None)
        found = [(app, off) for app in apps if (off := _shown(app.secret, code[-6:])) is not None]
        meant, off = found[0] if found else (apps[0], None)
        if django_otp.verify_token(user, meant.persistent_id, code):
            rows.update(throttling_failure_count=0, throttling_failure_timestamp=None)
            return Verdict(TotpDevice.objects.get(pk=meant.pk))
        for app in apps:
            if app != meant:
                app.missed(code)  # a guess was one at each of them
        if not timecodes.is_code(code):
            return Verdict(
                None
            )  # of two in a row nothing is told: they are not counted, and could be tried for long
        _burn(meant, off)
    return Verdict(None, off)


def _shown(secret: bytes, code: str) -> int | None:
    return timecodes.off_by(secret, code) if timecodes.is_code(code) else None


def _burn(app: TotpDevice, off: int | None) -> None:
    """Whoever guessed a code that is still to come, and is told so, must not use it then."""
    if off is not None and off > timecodes.TOLERANCE:
        told = timecodes.step_now() + off
        TotpDevice.objects.filter(pk=app.pk).update(told_step=told)
