"""Who stands at the door: the person whose live certificate this is."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.db import connection

from accounts.models import User
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
    """The account as it is now. By hand, since `User.objects.get` takes several times as long."""
    with connection.cursor() as cursor:
        cursor.execute(_query(), [User._meta.pk.get_db_prep_value(key, connection)])
        row = cursor.fetchone()
    return User.from_db(connection.alias, _columns(), _values(tuple(row))) if row else None


@cache
def _columns() -> tuple[str, ...]:
    return tuple(str(field.attname) for field in User._meta.concrete_fields)


@cache
def _query() -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in User._meta.concrete_fields)
    table, key = quote(User._meta.db_table), quote(str(User._meta.pk.column))
    return f"SELECT {columns} FROM {table} WHERE {key} = %s"  # noqa: S608 names of our own model


@lru_cache(maxsize=256)
def _values(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the database gave, as Python values: the same row gives the same ones."""
    return tuple(_converted(value, *steps) for value, steps in zip(row, _converters(), strict=True))


def _converted(value: Any, column: Any, converters: list[Callable[..., Any]]) -> Any:
    for convert in converters:
        value = convert(value, column, connection)
    return value


@cache
def _converters() -> list[tuple[Any, list[Callable[..., Any]]]]:
    """Each column with what Django's compiler would send its values through."""
    found = []
    for field in User._meta.concrete_fields:
        column = field.get_col(User._meta.db_table)
        own = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
        found.append((column, own))
    return found
