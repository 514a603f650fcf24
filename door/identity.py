"""Who stands at the door: the person whose live certificate this is."""

import uuid
from dataclasses import dataclass
from functools import cache

from django.db import connection

from accounts.models import User
from accounts.rows import models
from pki import verification
from pki.errors import CertificateRejected
from pki.verification import LiveCertificate


@dataclass(frozen=True)
class Holder:
    user: User
    certificate: LiveCertificate


def holder_of(der: bytes) -> Holder:
    """The active person who holds this certificate. Raises CertificateRejected, whose `code` says why not."""
    certificate = verification.verify(der)
    try:
        user = _user(uuid.UUID(certificate.owner))
    except ValueError:  # "service:portal"
        user = None
    if user is None or not user.is_active:
        why = "belongs to an account that is switched off" if user else "belongs to nobody"
        raise CertificateRejected(f"The certificate {certificate.serial} {why}.", code="account")
    return Holder(user, certificate)


def _user(key: uuid.UUID) -> User | None:
    """The account as it is now."""
    found = models(User, _query(), [User._meta.pk.get_db_prep_value(key, connection)])
    return found[0] if found else None


@cache
def _query() -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in User._meta.concrete_fields)
    table, key = quote(User._meta.db_table), quote(str(User._meta.pk.column))
    return f"SELECT {columns} FROM {table} WHERE {key} = %s"  # noqa: S608 names of our own model
