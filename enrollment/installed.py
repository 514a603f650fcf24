"""Installed, as its owner says: the page that made the key asks, and cannot see for itself."""

from django.db import IntegrityError, transaction

from accounts.models import User
from audit import trail
from enrollment.models import CertificationRequest, Installed


def note(request: CertificationRequest, *, by: User, address: str) -> bool:
    """The certificate of `request`, which is issued, is in its device's store. True for the first time."""
    detail = {"common_name": request.common_name, "certificate": str(request.certificate_id)}
    try:
        with transaction.atomic():
            Installed.objects.create(request=request)
            target = str(request.pk)
            trail.record(
                "certificate.installed", actor=by.username, address=address, target=target, detail=detail
            )
    except IntegrityError:  # said already
        return False
    return True
