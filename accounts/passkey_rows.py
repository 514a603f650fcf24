"""Passkeys as rows, and the questions that were put to them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django_otp.models import Device, TimestampMixin


class Passkey(TimestampMixin, Device):
    """What is kept of a passkey (WebAuthn Level 3, 4: credential record): its public key, and whose."""

    credential_id = models.CharField(max_length=1364, unique=True)  # base64url of at most 1023 bytes
    public_key = models.BinaryField()  # COSE_Key (RFC 9052 7)
    sign_count = models.BigIntegerField(default=0)  # 32 bits, unsigned; 0 for ever with many
    host = models.CharField(max_length=253)  # the name it was made under, and works under: the RP ID
    transports = models.JSONField(default=list)
    alone = models.BooleanField(default=False)  # found without a user name, and asks for finger, face or PIN
    synced = models.BooleanField(default=False)  # its maker keeps a copy, for one's other devices


class PasskeyChallenge(models.Model):
    """A question that waits for one answer, in one browser, for one purpose (accounts/challenges.py)."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of what was sent, hex
    purpose = models.CharField(max_length=8)
    browser = models.CharField(max_length=64)  # keyed digest of its session or, before there is one, cookie
    network = models.CharField(max_length=64, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["made_at"], name="passkey_questions_by_age")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.made_at:%Y-%m-%d %H:%M}"
