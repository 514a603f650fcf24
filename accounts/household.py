"""The one household of this installation."""

from collections.abc import Mapping
from functools import cache

from django.db import transaction

from accounts.models import Household, User
from accounts.rows import models
from audit import trail


def current() -> Household:
    """The household's row; made with its defaults should it be missing."""
    found = models(Household, *_sql())  # asked by every page
    return found[0] if found else Household.objects.get_or_create(pk=1)[0]


def change(values: Mapping[str, object], *, by: User, address: str = "") -> None:
    """Store those values (by the names of the fields) that differ, with before and after in the audit."""
    with transaction.atomic():
        found = current()
        changed = {name: value for name, value in values.items() if getattr(found, name) != value}
        detail = {name: {"before": getattr(found, name), "after": value} for name, value in changed.items()}
        for name, value in changed.items():
            setattr(found, name, value)
        if changed:
            found.save(update_fields=list(changed))
            who = {"actor": by.username, "address": address}
            trail.record("household.changed", **who, target=found.name, detail=detail)


@cache
def _sql() -> tuple[str, tuple[object, ...]]:
    return Household.objects.filter(pk=1).query.sql_with_params()
