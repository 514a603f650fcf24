"""Rows of certificates as their lists need them, past the signer."""

import secrets
import uuid
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import User
from pki.models import Certificate

HERE = "http://portal.home.arpa:8080"


def made(owner: User, subject: str = "phone", ends: datetime | None = None, url: str = HERE) -> Certificate:
    """One of `owner`'s, live for a year unless `ends` says otherwise."""
    now = timezone.now()
    return Certificate.objects.create(
        request_id=uuid.uuid4(),
        owner=str(owner.pk),
        authority="clients",
        profile="tls-client",
        serial=secrets.token_hex(16),
        fingerprint=secrets.token_hex(32),
        key_sha256=secrets.token_hex(32),
        subject=subject,
        der=b"",
        not_before=now - timedelta(days=400),
        not_after=ends or now + timedelta(days=365),
        status_url=url,
    )
