"""What the web side knows of certificates: copies. The signer's journal is the original."""

import uuid
from typing import ClassVar

from django.db import models


class Certificate(models.Model):
    """One issued certificate. `owner` and `request_id` are opaque here: pki knows no users."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request_id = models.UUIDField(unique=True)  # what it was issued for; repeating it returns this row
    owner = models.CharField(max_length=36, db_index=True)  # account UUID, or "service:portal"
    authority = models.CharField(max_length=16)
    profile = models.CharField(max_length=32)
    serial = models.CharField(max_length=40)  # lower case hex, no leading zeros
    fingerprint = models.CharField(max_length=64, unique=True)  # SHA-256 of the DER, hex
    key_sha256 = models.CharField(max_length=64, db_index=True)  # SHA-256 of the SubjectPublicKeyInfo, hex
    subject = models.CharField(max_length=200)  # the common name
    sans = models.JSONField(default=list)  # ["dns:nas.home.arpa", "ip:192.168.1.2"]
    der = models.BinaryField()
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    issued_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=32, blank=True)  # RFC 5280 5.3.1, e.g. "keyCompromise"
    linted_with = models.CharField(
        max_length=64, blank=True, db_index=True
    )  # the pkilint release that last found it clean

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["authority", "serial"], name="serial_once_per_authority")
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.serial})"
