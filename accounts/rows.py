"""Models from a query whose text is known already.

The ORM compiles a query each time it is asked and looks up how to convert each column: at the door, where the
same few are asked with every request, that takes several times as long as the database itself.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


def models(model: type[M], sql: str, parameters: Sequence[Any]) -> list[M]:
    """What `sql` selects: every column of `model` in its order, as `query.sql_with_params()` writes them."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    names = _names(model)
    return [model.from_db(connection.alias, names, _values(model, tuple(row))) for row in rows]


@cache
def _names(model: type[Model]) -> tuple[str, ...]:
    return tuple(str(field.attname) for field in model._meta.concrete_fields)


@lru_cache(maxsize=1024)
def _values(model: type[Model], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the database gave, as Python values: the same row gives the same ones, and none can be changed."""
    return tuple(_converted(value, *steps) for value, steps in zip(row, _converters(model), strict=True))


def _converted(value: Any, column: Any, converters: list[Callable[..., Any]]) -> Any:
    for convert in converters:
        value = convert(value, column, connection)
    return value


@cache
def _converters(model: type[Model]) -> list[tuple[Any, list[Callable[..., Any]]]]:
    """Each column with what Django's compiler would send its values through."""
    found = []
    for field in model._meta.concrete_fields:
        column = field.get_col(model._meta.db_table)
        own = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
        found.append((column, own))
    return found
