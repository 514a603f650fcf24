"""What the audit trail says, told to whom it concerns.

Certificates are revoked in many ways: by owners, officers, a code on paper, the signer itself; all end in a
line of the trail, in the transaction that makes it so. We follow the lines: none is told twice or left out.
"""

from collections.abc import Callable

from django.db import transaction

from accounts import news
from accounts.models import Followed
from audit.models import AuditEvent, AuditHead
from enrollment import notifications
from pki.models import Certificate

AT_A_TIME = 200


def tell() -> str:
    """Go on where the last one ended; a new installation begins with what comes."""
    head = AuditHead.objects.values_list("sequence", flat=True).first() or 0
    if Followed.objects.filter(sequence__gte=head).exists():  # as most times: nothing is locked for that
        return ""
    with transaction.atomic():
        place, _ = Followed.objects.select_for_update().get_or_create(pk=1, defaults={"sequence": head})
        if place.sequence >= head:
            return ""
        lines = list(
            AuditEvent.objects.filter(
                sequence__gt=place.sequence, sequence__lte=head, action__in=TELLERS
            ).order_by("sequence")[:AT_A_TIME]
        )
        for line in lines:
            TELLERS[line.action](line)
        place.sequence = lines[-1].sequence if len(lines) == AT_A_TIME else head
        place.save(update_fields=["sequence"])
    return f"{len(lines)} lines told" if lines else ""


def _revoked(line: AuditEvent) -> None:
    certificate = Certificate.objects.filter(pk=line.target).defer("der").first()
    if certificate is None:
        return
    reason = str(line.detail.get("reason", "")) if line.action == "certificate.revoked" else ""
    notifications.revoked(certificate, event=f"audit {line.sequence}", reason=reason, by=line.actor)


TELLERS: dict[str, Callable[[AuditEvent], None]] = {
    "certificate.revoked": _revoked,
    "certificate.released": _revoked,
    **dict.fromkeys(news.ACTIONS, news.tell),
}
