"""`manage.py verify_audit`: is the audit trail whole? Exit code 1 and a sentence when it is not."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import trail
from audit.models import AuditEvent
from pki import crl
from pki.signer.protocol import AUTHORITIES


class Command(BaseCommand):
    help = "Recompute every digest of the audit trail, and compare with the heads in the published CRLs."

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = trail.verify()
        if verdict.broken_at is not None:
            raise CommandError(
                f"The audit trail is broken at line {verdict.broken_at}: it was changed, removed or put in "
                f"later. The {verdict.count} lines before it are whole. Compare with a backup."
            )
        for authority in AUTHORITIES:
            self._compare(authority)
        for line in AuditEvent.objects.filter(action=trail.LINES_MISSING).order_by("sequence")[:20]:
            self.stdout.write(
                f"Line {line.sequence} of {line.at:%Y-%m-%d %H:%M} UTC notes that lines were missing then. "
                "That is so after a backup was put back; otherwise somebody cut or rewrote them."
            )
        self.stdout.write(f"The audit trail is whole: {verdict.count} lines, head {verdict.head}.")

    def _compare(self, authority: str) -> None:
        """Lines cut off at the end leave a whole chain behind, but not the head that a CRL carried away."""
        try:
            head = crl.current(authority).audit_head
        except FileNotFoundError:
            self.stdout.write(f"There is no revocation list of {authority} yet to compare with.")
            return
        if head and not trail.contains(head):
            raise CommandError(
                f"The audit trail lacks lines: when the CRL of {authority} was made, its last line "
                f"had the digest {head}. No line has that now. Compare with a backup."
            )
