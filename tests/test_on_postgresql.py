"""What is about the database holds on PostgreSQL too: locks, races, text it will not store."""

import pytest

from tests.postgres import database_url, needs_postgresql  # noqa: F401 a fixture
from tests.soak.officers import race, run_pytest

pytestmark = [pytest.mark.slow, needs_postgresql]

ABOUT_DATA = (
    *("tests/accounts", "tests/audit", "tests/enrollment", "tests/test_routes.py"),
    *(f"tests/door/test_{name}.py" for name in ("policy", "pins", "manage", "manage_pages", "history")),
    *("tests/portal/test_odd_requests.py", "tests/portal/test_audit_page.py"),
    "tests/portal/test_certificate_lists.py",
    "tests/portal/test_retention.py",
    *(f"tests/door/test_{name}.py" for name in ("page", "press", "pins", "policy", "history")),
)


def test_the_fast_tests_pass_on_postgresql(database_url: str) -> None:  # noqa: F811
    run_pytest(*ABOUT_DATA, "-m", "not slow", DATABASE_URL=database_url)


def test_nasty_text_is_stored_clean_or_refused_by_postgresql_too(database_url: str) -> None:  # noqa: F811
    run_pytest("tests/test_nasty_text.py", DATABASE_URL=database_url)


def test_holders_are_known_by_their_certificates_on_postgresql_too(database_url: str) -> None:  # noqa: F811
    run_pytest("tests/pki/test_verification.py", "tests/door/test_identity.py", DATABASE_URL=database_url)


def test_sixteen_officers_at_once_make_one_certificate_each_on_postgresql(
    database_url: str,  # noqa: F811
) -> None:
    race(25, database_url)
