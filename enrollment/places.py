"""From which addresses people asked for certificates, and showed them."""

from datetime import datetime

from enrollment.models import CertificationRequest, Seen


def forget(before: datetime) -> int:
    """The addresses of what is older, and nothing else of it; how many."""
    asked = CertificationRequest.objects.filter(created_at__lt=before).exclude(address="")
    shown = Seen.objects.filter(last_at__lt=before).exclude(address="")
    return asked.update(address="") + shown.update(address="")
