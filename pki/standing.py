"""How a certificate stands, for OCSP: from the database, with each question."""

from datetime import UTC, datetime

from django.db import connection

from pki.ocsp import Standing
from pki.signer.entries import REASON_NUMBERS

_ROW = "SELECT revoked_at, reason, der FROM pki_certificate WHERE authority = %s AND serial = %s"


def of(authority: str, serial: int, key_id: bytes) -> Standing | None:
    """How the certificate with this serial number stands; None when its issuer, whose key identifier is
    `key_id` (RFC 5280 4.2.1.2), never issued it: an authority can have been replaced, and keep its name."""
    # Raw: through the ORM it would cost more than the signature.
    with connection.cursor() as cursor:
        cursor.execute(_ROW, [authority, f"{serial:x}"])
        found = cursor.fetchone()
    if found is None or key_id not in bytes(found[2]):
        return None
    return Standing(_moment(found[0]), REASON_NUMBERS.get(found[1]))


def _moment(value: object) -> datetime | None:
    """SQLite gives text, PostgreSQL a moment."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
