"""Where people are signed in, and what they are known to sign in from, as rows."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class SignIn(models.Model):
    """One session, as people see it. It knows this row; the row knows nothing of the session's key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    began_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)  # to a minute
    ended_at = models.DateTimeField(null=True, blank=True)  # ended on purpose; others end by themselves
    address = models.CharField(max_length=45, blank=True)
    factor = models.CharField(max_length=16)  # "app", "passkey", "recovery"
    # What it called itself (accounts/useragent.py): names of lists, "" where nothing fits.
    browser = models.CharField(max_length=16, blank=True)
    system = models.CharField(max_length=16, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-began_at"], name="sign_ins_newest")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.began_at:%Y-%m-%d %H:%M}"


class Familiar(models.Model):
    """A browser, or a network, from which somebody has signed in before: a keyed digest tells no more."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="familiar")
    digest = models.CharField(max_length=64)  # accounts/unusual.py, hex
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="familiar_once_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.digest[:8]}"
