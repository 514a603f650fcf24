"""/metrics, read as Prometheus reads it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from pki import revocation
from portal import housekeeping, metering
from portal.housekeeping import Step
from portal.keeping import notes
from tests.conftest import Browser
from tests.portal.keeping.certificates import made

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def afresh() -> None:
    metering._Kept.until = 0


def read(browser: Browser) -> dict[str, dict[str, float]]:
    """Name -> the one label's value, or "" -> number."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(browser.get("/metrics").content.decode()):
        assert family.documentation
        assert family.name not in found, "the samples of a metric stand together"
        found[family.name] = {" ".join(sample.labels.values()): sample.value for sample in family.samples}
    return found


def test_everything_is_there_and_has_a_word_of_what_it_is(signer: object, browser: Browser) -> None:
    housekeeping.tidy([step for step in housekeeping.STEPS if step.name in housekeeping.FIRST])
    found = read(browser)
    missing = {f"latchkey_{name}" for name in metering.WHAT} - set(found)
    assert missing == {"latchkey_broker_up"}  # none is set here
    assert found["latchkey_signer_up"] == {"": 1}
    assert set(found["latchkey_crl_next_update_seconds"]) == {"clients", "servers", "devices"}
    assert found["latchkey_requests"]["pending"] == 0
    assert found["latchkey_presses"]["opened"] == 0


def test_certificates_are_counted_by_what_they_are(browser: Browser, alice: User) -> None:
    now = timezone.now()
    for days in (200, 20, -2):
        made(alice, ends=now + timedelta(days=days))
    type(made(alice)).objects.filter(pk=made(alice).pk).update(owner="service:portal")
    gone = made(alice, ends=now + timedelta(days=90))
    type(gone).objects.filter(pk=gone.pk).update(revoked_at=now, reason=revocation.HOLD)
    counted = read(browser)["latchkey_certificates"]
    assert counted == {"live": 2, "ending": 1, "revoked": 1, "expired": 1}


def test_each_step_says_when_it_ran_and_when_it_runs_again(browser: Browser) -> None:
    housekeeping._file().unlink(missing_ok=True)
    housekeeping._Unwritten.ran.clear()
    housekeeping.tidy([Step("presses", 60, lambda: "")])
    found = read(browser)
    last = found["latchkey_housekeeping_step_last_run_seconds"]
    assert found["latchkey_housekeeping_step_next_run_seconds"] == {"presses": last["presses"] + 60}
    assert timezone.now().timestamp() - last["presses"] < 60


def test_backups_and_drills_are_moments(browser: Browser) -> None:
    assert read(browser)["latchkey_backup_last_seconds"] == {"": 0}
    notes.backed_up("house.tar.age", timezone.now())
    assert read(browser)["latchkey_backup_last_seconds"][""] > 1.7e9
    assert read(browser)["latchkey_drill_last_seconds"] == {"": 0}


def test_no_name_leaves(browser: Browser, alice: User) -> None:
    made(alice, subject="Alice's secret watch")
    notes.backed_up("secret-file-name", timezone.now())
    text = browser.get("/metrics").content.decode()
    assert "secret" not in text
    assert "lice" not in text


def test_through_a_proxy_on_this_machine_it_is_closed(browser: Browser) -> None:
    assert browser.get("/metrics").status_code == 200
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert browser.get("/metrics", headers={header: "198.51.100.7"}).status_code == 404
    token = {"X-Forwarded-For": "198.51.100.7", "Authorization": f"Bearer {settings.METRICS_TOKEN}"}
    assert browser.get("/metrics", headers=token).status_code == 200


def test_long_tables_are_counted_once_a_minute(browser: Browser) -> None:
    browser.get("/metrics")
    with CaptureQueriesContext(connection) as asked:
        browser.get("/metrics")
    assert not [query for query in asked.captured_queries if "COUNT" in query["sql"]]
    assert len(asked) < 20
