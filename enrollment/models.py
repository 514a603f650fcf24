"""Certification requests, the states they go through, what was said about them; and who asks by SCEP."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from pki.models import Certificate


class Status(models.TextChoices):
    PENDING = "pending", _("Waiting")
    APPROVED = "approved", _("Approved, waiting for the CA")
    ISSUED = "issued", _("Issued")
    REJECTED = "rejected", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    LAPSED = "lapsed", _("Lapsed")


class Kind(models.TextChoices):
    """What an approval is for (pki/signer/protocol.py has the evidence of each)."""

    CSR = "csr", _("A key that is there")
    DEVICE = "device", _("Person and device, no key yet")  # csr and key_sha256 are empty until it asks
    RENEWAL = "renewal", _("The same again with a new key")  # nobody decides: the old key does


# From each status, where it may go. Final is final. enrollment/transitions.py is the only code that follows
# these. An approval lapses, or is withdrawn, only while it has no key: with one the signer may have signed,
# and that certificate were lost.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.APPROVED, Status.REJECTED, Status.WITHDRAWN, Status.LAPSED}),
    Status.APPROVED: frozenset({Status.ISSUED, Status.REJECTED, Status.WITHDRAWN, Status.LAPSED}),
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

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.CSR)
    profile = models.CharField(max_length=32)
    device = models.CharField(max_length=64)  # "Anna's phone", as the requester calls it
    note = models.TextField(max_length=1000, blank=True)
    csr = models.BinaryField()  # DER
    csr_sha256 = models.CharField(max_length=64, blank=True)  # hex
    key_sha256 = models.CharField(max_length=64, blank=True, db_index=True)  # SubjectPublicKeyInfo, hex
    challenge_sha256 = models.CharField(max_length=64, blank=True, db_index=True)  # of a device, hex
    lapses_at = models.DateTimeField(null=True, blank=True)  # None: 30 days after it was sent
    predecessor = models.ForeignKey(  # what is renewed
        Certificate, null=True, blank=True, on_delete=models.PROTECT, related_name="successors"
    )
    proof = models.JSONField(default=dict, blank=True)  # of a renewal, until it is issued
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
                condition=Q(status__in=[Status.PENDING, Status.APPROVED]) & ~Q(key_sha256=""),
            ),
            models.UniqueConstraint(
                name="one_successor",
                fields=["predecessor"],
                condition=Q(status__in=[Status.APPROVED, Status.ISSUED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.common_name} ({self.get_status_display()})"

    @property
    def made_in_browser(self) -> bool:
        """Whether its key waits in a browser. Some forget after a week, so only such a CSR has a date."""
        return self.kind == Kind.CSR and self.lapses_at is not None

    @property
    def renewed_in_browser(self) -> bool:
        """Whether its key waits in a browser at the check face; the date is until when, as above."""
        return self.kind == Kind.RENEWAL and self.lapses_at is not None and not self.challenge_sha256

    @property
    def keeps_key(self) -> bool:
        """Whether it renews a certificate of the very same key."""
        return self.predecessor is not None and self.predecessor.key_sha256 == self.key_sha256

    @property
    def waits_for_key(self) -> bool:
        """Whether it is approved and no key came yet: until then the approval can be taken back."""
        return self.status == Status.APPROVED and not self.key_sha256


class Message(models.Model):
    """An officer's question, or the requester's answer. A question is open while it is the last message."""

    request = models.ForeignKey(CertificationRequest, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    from_officer = models.BooleanField()
    text = models.TextField(max_length=1000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]


class EnrolmentChallenge(models.Model):
    """What lets one program ask for one certificate in somebody's name by SCEP (RFC 8894 2.4). Used once."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64, unique=True)  # of the text, hex: it is shown once and not kept
    device = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    lapses_at = models.DateTimeField()
    request = models.OneToOneField(
        CertificationRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.device} of {self.owner}"


class ScepTransaction(models.Model):
    """One enrolment by SCEP (RFC 8894 3.2.1.1): the id that the client chose, and the key that asked."""

    transaction_id = models.CharField(max_length=128, unique=True)
    key_sha256 = models.CharField(max_length=64)  # of the signer of its messages, hex
    request = models.ForeignKey(CertificationRequest, on_delete=models.CASCADE, related_name="transactions")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.transaction_id


class ScepNonce(models.Model):
    """A sender nonce that was seen (RFC 8894 3.2.1.5). Again it is a replay, or certmonger repeating."""

    sha256 = models.CharField(max_length=64, primary_key=True)  # of the signer's key and the nonce, hex
    message_sha256 = models.CharField(max_length=64)  # of the whole message, hex
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.sha256


class HandOver(models.Model):
    """From a computer to the phone, by a QR code: works once, for a few minutes, for its maker alone."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the token in the address, hex
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    lapses_at = models.DateTimeField(db_index=True)
    device = models.CharField(max_length=64, blank=True)  # what was typed already
    note = models.TextField(max_length=1000, blank=True)
    request = models.ForeignKey(
        CertificationRequest, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )


class Seen(models.Model):
    """A certificate came to the check face, and its key with it: it is installed on some device."""

    certificate = models.OneToOneField(Certificate, on_delete=models.CASCADE, related_name="seen")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True)  # where it came from last

    def __str__(self) -> str:
        return f"{self.certificate_id} {self.last_at:%Y-%m-%d}"


class PaperCode(models.Model):
    """A code on paper that revokes one certificate, without a login: for the day the phone is lost."""

    certificate = models.OneToOneField(Certificate, on_delete=models.CASCADE, related_name="paper_code")
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the code, hex: it is shown once
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.certificate_id} {self.made_at:%Y-%m-%d}"


class Reminded(models.Model):
    """The owner of a certificate was reminded of its end: once for each of the days that are set."""

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="reminded")
    days = models.PositiveIntegerField()  # before the end
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["certificate", "days"], name="reminded_once")
        ]

    def __str__(self) -> str:
        return f"{self.certificate_id} {self.days}"


class RenewalWanted(models.Model):
    """An officer asked the owner of a certificate to renew it. Swept once it is renewed or has ended."""

    certificate = models.OneToOneField(Certificate, on_delete=models.CASCADE, related_name="renewal_wanted")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()  # the last time

    def __str__(self) -> str:
        return f"{self.certificate_id} {self.at:%Y-%m-%d}"


class Installed(models.Model):
    """The owner said that the certificate is installed, where a page made the key. Seen proves it."""

    request = models.OneToOneField(CertificationRequest, on_delete=models.CASCADE, related_name="installed")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.request_id} {self.at:%Y-%m-%d}"
