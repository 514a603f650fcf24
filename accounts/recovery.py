"""Recovery codes: ten of them, each good once, for the day the phone is gone."""

import re
import secrets

from django.db import transaction

from accounts.models import RecoveryCode, RecoveryDevice, User

COUNT = 10
LENGTH = 12  # of 32 letters each: 60 bits
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for something else in print
_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def normalised(typed: str) -> str:
    """What somebody typed without blanks, hyphens and capitals."""
    return re.sub(r"[\s\-\u2010-\u2015]", "", typed).lower()


def looks_like_code(typed: str) -> bool:
    """Whether this is a recovery code by its form; a code of the app, or two of them, never is."""
    plain = normalised(typed)
    return _CODE.fullmatch(plain) is not None and not plain.isdigit()


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
