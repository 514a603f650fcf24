"""Certification requests, the states they go through, and what was said about them."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from pki.models import Certificate


class Status(models.TextChoices):
    PENDING = "pending", "Waiting"
    APPROVED = "approved", "Approved, waiting for the CA"
    ISSUED = "issued", "Issued"
    REJECTED = "rejected", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Lapsed"


# From each status, where it may go. Final is final. enrollment/ra.py is the only code that follows these.
# Nothing lets an approval lapse yet: the signer may have signed already, and that certificate were lost.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.APPROVED, Status.REJECTED, Status.WITHDRAWN, Status.LAPSED}),
    Status.APPROVED: frozenset({Status.ISSUED, Status.REJECTED, Status.LAPSED}),
    Status.ISSUED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.WITHDRAWN: frozenset(),
    Status.LAPSED: frozenset(),
}


class CertificationRequest(models.Model):
    """Somebody asks for a certificate (RFC 2986). The CSR never changes; the approval pins what is issued."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests")
    created_at = models.DateTimeField(auto_now_add=True)
    address = models.CharField(max_length=64, blank=True)  # where it came from
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    changed_at = models.DateTimeField(auto_now_add=True)

    profile = models.CharField(max_length=32)
    device = models.CharField(max_length=64)  # "Anna's phone", as the requester calls it
    note = models.TextField(max_length=1000, blank=True)
    csr = models.BinaryField()  # DER
    csr_sha256 = models.CharField(max_length=64)  # hex
    key_sha256 = models.CharField(max_length=64, db_index=True)  # of the SubjectPublicKeyInfo, hex
    organization = models.CharField(max_length=64, blank=True)  # the household's name, pinned by the approval
    common_name = models.CharField(max_length=64)  # proposed, the officer may change it
    sans = models.JSONField(default=list)  # ["dns:…", "ip:…"], confirmed by the requester
    days = models.PositiveIntegerField()

    # The decision: who, when, why, and what exactly was approved.
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(max_length=1000, blank=True)
    profile_digest = models.CharField(max_length=64, blank=True)
    one_person = models.BooleanField(default=False)  # decided under the one-person switch
    trouble = models.CharField(max_length=300, blank=True)  # why an approved request is not issued yet
    certificate = models.OneToOneField(
        Certificate, null=True, blank=True, on_delete=models.PROTECT, related_name="request"
    )

    class Meta:
        indexes: ClassVar = [
            # The queue and its count read these alone; (created_at, id) is what a keyset page goes by.
            models.Index(fields=["status", "created_at", "id"]),
            models.Index(fields=["status", "profile", "created_at", "id"]),
            models.Index(fields=["profile", "created_at", "id"]),
            models.Index(fields=["created_at", "id"]),
            models.Index(fields=["owner", "created_at", "id"]),
            models.Index(fields=["common_name"]),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="nobody_decides_on_their_own_request",
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("owner")) | Q(one_person=True),
            ),
            models.UniqueConstraint(
                name="one_open_request_per_key",
                fields=["key_sha256"],
                condition=Q(status__in=[Status.PENDING, Status.APPROVED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.common_name} ({self.get_status_display()})"


class Message(models.Model):
    """An officer's question, or the requester's answer. A question is open while it is the last message."""

    request = models.ForeignKey(CertificationRequest, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    from_officer = models.BooleanField()
    text = models.TextField(max_length=1000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]
