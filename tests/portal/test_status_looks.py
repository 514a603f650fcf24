"""The status page in real Chromium: with things to do, and with none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit import trail
from door.gate import ORPHAN
from portal import health, housekeeping
from portal.keeping import notes
from tests.conftest import let_time_pass
from tests.pictures import faults_in
from tests.portal.keeping.certificates import made

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer"), pytest.mark.django_db(transaction=True)]

LOOKS = ("phone-light", "desk-dark")


@pytest.fixture
def pages(
    alice: User, erin: User, browser: Client, sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Name -> HTML."""
    housekeeping.tidy([step for step in housekeeping.STEPS if step.name in housekeeping.FIRST])
    made(alice, "Alice's phone", url="http://192.168.1.2:8080")
    trail.record(ORPHAN, detail={"why": "The certificate 1f2e is signed by our CA, and nobody knows it."})
    client = sign_in(browser, erin)
    found = {"troubled": client.get("/status").content.decode()}
    notes.backed_up("house.tar.age", timezone.now() - timedelta(days=2))
    real = health.facts()
    monkeypatch.setattr(health, "facts", lambda: [replace(fact, well=True) for fact in real])
    let_time_pass(erin)
    return found | {"well": client.get("/status").content.decode()}


def test_the_status_page_is_read_at_a_glance(pages: dict[str, str]) -> None:
    assert "All is well</h1>" in pages["well"]
    assert faults_in({f"status-{name}": html for name, html in pages.items()}, LOOKS) == []
