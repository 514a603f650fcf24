"""The audit trail: who did what, when, from where. A chain of hashes, so that an edit or a gap shows."""

from django.db import models


class AuditEvent(models.Model):
    """One line of the trail. Written by `audit.trail.record` only, never changed, never deleted."""

    sequence = models.BigIntegerField(primary_key=True)  # 1, 2, 3 … without a gap
    at = models.DateTimeField()
    actor = models.CharField(max_length=150, blank=True)  # the account's name then; "" for the program itself
    address = models.CharField(max_length=64, blank=True)  # where the request came from
    action = models.CharField(max_length=64)  # "request.approve", "login.ok", …
    target = models.CharField(max_length=200, blank=True)  # what it was done to
    detail = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)  # SHA-256 of the line before, in hex
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["action"]),
            models.Index(fields=["actor"]),
            models.Index(fields=["target", "sequence"]),  # the history of one request or certificate
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action} {self.target}"


class AuditHead(models.Model):
    """The chain's end. One row; whoever writes locks it, so that lines follow one another."""

    sequence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="0" * 64)
