"""What the web side knows of certificates: copies. The signer's journal is the original."""

import uuid
from typing import ClassVar

from django.db import models


class Certificate(models.Model):
    """One issued certificate. `owner` and `request_id` are opaque here: pki knows no users."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request_id = models.UUIDField(unique=True)  # what it was issued for; repeating it returns this row
    owner = models.CharField(max_length=36)  # account UUID, or "service:portal"
    authority = models.CharField(max_length=16)
    profile = models.CharField(max_length=32)
    serial = models.CharField(max_length=40)  # lower case hex, no leading zeros
    fingerprint = models.CharField(max_length=64, unique=True)  # SHA-256 of the DER, hex
    key_sha256 = models.CharField(max_length=64, db_index=True)  # SHA-256 of the SubjectPublicKeyInfo, hex
    subject = models.CharField(max_length=200)  # the common name
    sans = models.JSONField(default=list)  # ["dns:nas.home.arpa", "ip:192.168.1.2"]
    der = models.BinaryField()
    not_before = models.DateTimeField()
    not_after = models.DateTimeField()
    issued_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=32, blank=True)  # RFC 5280 5.3.1, e.g. "keyCompromise"
    invalidity = models.DateTimeField(null=True, blank=True)  # since when it is suspected (RFC 5280 5.3.2)
    linted_with = models.CharField(
        max_length=64, blank=True, db_index=True
    )  # the pkilint release that last found it clean

    # Where it says its revocation list is (pki/addresses.py); "" until somebody looked
    status_url = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["authority", "serial"], name="serial_once_per_authority")
        ]
        # What the lists go by (pki/catalogue.py): each order of each list is one of these, so that a page at
        # any depth reads its fifty rows and no more. Few are revoked, so those have indexes of their own.
        indexes: ClassVar = [
            *(
                models.Index(fields=[*first, order, "id"], name=f"certificate_{name}_{order}"[:30])
                for name, first in (("all", ()), ("of", ("owner",)), ("for", ("profile",)))
                for order in ("not_after", "issued_at", "subject")
            ),
            *(
                models.Index(
                    fields=[order, "id"],
                    name=f"certificate_gone_{order}"[:30],
                    condition=models.Q(revoked_at__isnull=False),
                )
                for order in ("not_after", "issued_at", "subject")
            ),
            models.Index(
                fields=["status_url", "not_after"],
                name="certificate_address",
                condition=models.Q(revoked_at__isnull=True),
            ),
            models.Index(
                fields=["not_after", "id"],
                name="certificate_valid_not_after",
                condition=models.Q(revoked_at__isnull=True),
            ),
            models.Index(
                fields=["reason", "not_after", "id"],
                name="certificate_reason",
                condition=models.Q(revoked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.serial})"


class CertificateWord(models.Model):
    """A word of a certificate's names, for the search: found by its beginning, at any size of the table."""

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="words")
    word = models.BinaryField(max_length=128)  # UTF-8: bytes sort alike in every database and locale

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["word", "certificate"], name="word_once_per_certificate")
        ]


class ListFetch(models.Model):
    """Who fetched which revocation list last: a broker or web site that relies on it, or anybody else."""

    address = models.CharField(max_length=64)
    program = models.CharField(max_length=64, blank=True)  # the beginning of its User-Agent
    authority = models.CharField(max_length=32)  # "clients", "clients-root"
    name = models.CharField(max_length=64, blank=True)  # what an officer calls it
    number = models.CharField(max_length=49)  # the CRL number (RFC 5280 5.2.3), decimal, 20 octets at most
    since = models.DateTimeField()  # when it first got that number
    last_at = models.DateTimeField()  # when it asked last

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["authority", "address", "program"], name="one_row_per_reader")
        ]

    def __str__(self) -> str:
        return f"{self.name or self.address} has {self.authority} {self.number}"


class JournalPosition(models.Model):
    """Up to which of its numbered changes we followed the signer's journal. One row."""

    number = models.BigIntegerField(default=0)
    serial = models.CharField(
        max_length=40, blank=True
    )  # what that change was about: it tells journals apart

    def __str__(self) -> str:
        return f"{self.number} ({self.serial})"

    @classmethod
    def current(cls) -> "JournalPosition":
        return cls.objects.get_or_create(pk=1)[0]

    def is_current(self) -> bool:
        """Whether nobody moved it since it was read. Inside a transaction: from here on nobody can."""
        return JournalPosition.objects.select_for_update().get(pk=1).number == self.number

    def move(self, number: int, serial: str) -> None:
        self.number, self.serial = number, serial
        self.save()
