"""The page before a revocation asks the database no more for several certificates than for two."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from pki.models import Certificate
from tests.conftest import Browser, open_session
from tests.portal.test_certificate_pages import issued

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("signer")]


def queries(desk: Client, chosen: list[Certificate]) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = desk.post("/certificates/revoke", {"chosen": [str(found.pk) for found in chosen]})
    assert answer.status_code == 200
    return len(asked)


def test_more_certificates_are_no_more_queries(alice: User, bob: User) -> None:
    desk, made = open_session(Browser(), bob), [issued(alice, bob) for _ in range(5)]
    queries(desk, made[:2])  # what the first page of a process asks once
    assert queries(desk, made) == queries(desk, made[:2])
