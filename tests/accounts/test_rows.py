"""What a known query gives without the ORM's work is what the ORM gives."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import household
from accounts.models import Household, User
from accounts.rows import models
from door.models import Door, Rule


@pytest.mark.django_db
@pytest.mark.parametrize("model", [User, Household, Door, Rule])
def test_the_rows_are_the_orms(model: type[User], alice: User, bob: User) -> None:
    household.current()
    wanted = model.objects.order_by("pk")
    sql, parameters = wanted.query.sql_with_params()
    found = models(model, sql, parameters)
    assert found, "else this proves nothing"
    names = [field.attname for field in model._meta.concrete_fields]
    for ours, theirs in zip(found, wanted, strict=True):
        assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
        assert not ours._state.adding
        assert ours._state.db == "default"


@pytest.mark.django_db
def test_a_change_is_seen_at_once_and_nobody_shares_an_object(alice: User) -> None:
    sql, parameters = User.objects.filter(pk=alice.pk).query.sql_with_params()
    with CaptureQueriesContext(connection) as asked:
        before = models(User, sql, parameters)[0]
        again = models(User, sql, parameters)[0]
    assert len(asked) == 2
    assert before is not again
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert models(User, sql, parameters)[0].is_active is False
