"""Recovery codes: ten of them, each good once, for the day the phone is gone."""

import re
import secrets
from uuid import UUID

from django.db import transaction

from accounts.models import RecoveryCode, RecoveryDevice, User

COUNT = 10
LENGTH = 12  # of 31 letters each: 59 bits, which nobody guesses however fast they may try
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for something else in print
_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def normalised(typed: str) -> str:
    """What somebody typed without blanks, hyphens and capitals."""
    return re.sub(r"[\s\-\u2010-\u2015]", "", typed).lower()


def looks_like_code(typed: str) -> bool:
    """Whether this is a recovery code by its form; a code of the app, or two of them, never is."""
    plain = normalised(typed)
    return _CODE.fullmatch(plain) is not None and not plain.isdigit()


def of_name(username: str, typed: str) -> str:
    """The digest of what was typed if it is a code that works for this account, else "". It is not used up.

    The same work whether there is such an account or not, so that the time taken tells nothing.
    """
    if not looks_like_code(typed):
        return ""
    rows = RecoveryDevice.objects.filter(user__username=username, user__is_active=True, confirmed=True)
    device = rows.order_by("pk").first() or RecoveryDevice(pk=-1, user_id=UUID(int=0))
    digest = device.digest(normalised(typed))
    return digest if RecoveryCode.objects.filter(device=device.pk, digest=digest).exists() else ""


def renew(user: User) -> list[str]:
    """Ten new codes as they are shown, once; the old ones stop working."""
    codes = [_new() for _ in range(COUNT)]
    with transaction.atomic():
        device, _made = RecoveryDevice.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})
        device.codes.all().delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(device=device, digest=device.digest(code)) for code in codes
        )
    return ["-".join(code[at : at + 4] for at in range(0, LENGTH, 4)) for code in codes]


def left(user: User) -> int:
    """How many codes still work."""
    return RecoveryCode.objects.filter(device__user=user, device__confirmed=True).count()


def _new() -> str:
    """Always with a letter: twelve digits are two codes of the app."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return _new() if code.isdigit() else code
