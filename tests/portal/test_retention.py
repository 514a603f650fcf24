"""What is forgotten after the household's time, and what stays."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts import household, kinds, outbox
from accounts.models import Familiar, Household, Notice, SignIn, User
from audit import marks, trail
from audit.models import AuditEvent
from door import press
from door.models import Door, Outcome, Press
from enrollment import ra
from enrollment.models import CertificationRequest, Seen
from pki.csr import parse
from portal import housekeeping, retention
from tests.audit.test_fading import ADDRESS, write
from tests.conftest import Browser, make_csr
from tests.door.acts import HERE, practice_door, pressed

pytestmark = pytest.mark.django_db


def days_ago(days: int) -> object:
    return timezone.now() - timedelta(days=days)


@pytest.fixture
def history(alice: User) -> tuple[Press, Press]:
    """An old press and a young one, with their lines."""
    door: Door = practice_door()
    made = [pressed(alice, door, at=days_ago(days), device=f"phone {days}") for days in (100, 10)]
    for days in (100, 10):
        detail = {"outcome": "opened", "device": f"phone {days}", "press": "x"}
        write(1, days_ago=days, action="door.pressed", actor="alice", target=door.slug, detail=detail)
    return made[0], made[1]


def everything() -> str:
    tables = (Press, AuditEvent, SignIn, Notice, CertificationRequest, Seen)
    return "".join(str(list(table.objects.values())) for table in tables)


def test_after_the_households_time_nothing_says_who_opened_which_door(history: tuple[Press, Press]) -> None:
    household.current()
    assert retention.forget() == "1 rows forgotten, 1 lines of the audit faded"
    assert list(Press.objects.all()) == [history[1]]
    assert "phone 100" not in everything()
    assert "phone 10" in everything()
    assert trail.verify().broken_at is None
    assert retention.forget() == ""


def test_addresses_of_sign_ins_requests_and_messages_go_and_the_rest_stays(
    alice: User, signer: object
) -> None:
    household.current()
    old, young = (SignIn.objects.create(user=alice, address=a, factor="app") for a in (ADDRESS, HERE))
    SignIn.objects.filter(pk=old.pk).update(began_at=days_ago(100), seen_at=days_ago(91))
    asked = ra.submit(
        by=alice, address=ADDRESS, csr=parse(make_csr()), profile="tls-client", device="phone", sans=[]
    )
    CertificationRequest.objects.update(created_at=days_ago(91))
    for kind in (kinds.SIGN_IN, kinds.QUESTION):
        outbox.tell([alice], kind, event=kind, subject="S", text=f"from {ADDRESS}")
    Notice.objects.update(at=days_ago(91))
    retention.forget()
    assert list(SignIn.objects.all()) == [young]
    asked.refresh_from_db()
    assert (asked.address, asked.device) == ("", "phone")
    assert list(Notice.objects.order_by("kind").values_list("text", flat=True)) == [f"from {ADDRESS}", ""]
    assert outbox.tell([alice], kinds.SIGN_IN, event=kinds.SIGN_IN, subject="S", text="again") == 0


@pytest.mark.django_db(transaction=True)
def test_nothing_of_it_is_left_in_the_files_of_the_database() -> None:
    """Not in free pages, and not in the write-ahead log: whoever copies the files reads those as well."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL looks after its files itself")
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA secure_delete").fetchone() == (1,)
    household.current()
    write(30, days_ago=100)
    assert ADDRESS.encode() in _files()
    retention.forget()
    assert ADDRESS.encode() not in _files()
    assert trail.verify().broken_at is None


def _files() -> bytes:
    path = Path(str(connection.settings_dict["NAME"]))
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


def test_never_means_never(history: tuple[Press, Press]) -> None:
    household.current()
    Household.objects.update(fade_days=0)
    assert retention.forget() == ""
    assert Press.objects.count() == 2


def test_the_household_chooses(history: tuple[Press, Press]) -> None:
    household.current()
    Household.objects.update(fade_days=7)
    assert retention.forget() == "2 rows forgotten, 2 lines of the audit faded"
    assert AuditEvent.objects.get(action=marks.ACTION).detail["days"] == 7


def test_many_are_forgotten_in_small_batches(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    household.current()
    door = practice_door()
    for number in range(7):
        pressed(alice, door, at=days_ago(100 + number))
    monkeypatch.setattr(retention, "BATCHES", 2)
    forget = retention.history.forget
    monkeypatch.setattr(retention.history, "forget", lambda before: forget(before, most=2))
    assert [retention.forget().partition(" ")[0] for _ in range(3)] == ["4", "3", ""]


def test_a_press_that_is_on_its_way_is_not_forgotten(alice: User) -> None:
    household.current()
    made = pressed(alice, practice_door(), Outcome.SENDING)
    retention.forget()
    assert press.sweep() == 0
    assert Press.objects.get() == made


def test_a_trail_that_was_changed_does_not_fade_and_the_status_page_says_so() -> None:
    household.current()
    write(3, days_ago=100)
    AuditEvent.objects.filter(sequence=2).update(actor="somebody else")
    step = next(step for step in housekeeping.STEPS if step.run == retention.forget)
    said = housekeeping.tidy([step])[step.name]
    assert "Line 2 of the audit trail does not fit" in said
    assert AuditEvent.objects.filter(address=ADDRESS).count() == 3


def test_what_people_sign_in_from_is_kept_longer_than_where_they_were(alice: User) -> None:
    household.current()
    Familiar.objects.create(user=alice, digest="a" * 64, at=days_ago(399))
    Familiar.objects.create(user=alice, digest="b" * 64, at=days_ago(401))
    retention.forget()
    assert [found.digest[0] for found in Familiar.objects.all()] == ["a"]


def test_the_terminal_verifies_a_faded_trail_and_finds_what_was_done_to_it(
    tmp_path: Path, settings: Settings
) -> None:
    settings.PUBLIC_DIR = tmp_path  # no list of another test's trail
    household.current()
    write(3, days_ago=300, old=True)
    write(3, days_ago=100)
    write(2, days_ago=1)
    retention.forget()
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert "The audit trail is whole: 9 lines" in said.getvalue()
    AuditEvent.objects.filter(sequence=5).update(target="another")
    with pytest.raises(CommandError, match="broken at line 5"):
        call_command("verify_audit", stdout=StringIO())


def test_exports_say_faded_and_carry_what_proves_it(browser: Browser, erin: User, sign_in: Callable) -> None:
    household.current()
    write(1, days_ago=100)
    write(1, days_ago=1)
    retention.forget()
    sign_in(browser, erin)
    text = b"".join(browser.get("/audit/trail.csv").streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["address"] for line in lines[:2]] == ["faded", ADDRESS]
    assert [bool(line["salt"]) for line in lines[:2]] == [False, True]
    assert all(len(line["commitment"]) == 64 for line in lines)
    found = json.loads(b"".join(browser.get("/audit/trail.json").streaming_content))
    assert [line["address"] for line in found[:2]] == ["faded", ADDRESS]
    assert found[0]["salt"] == ""
    assert "faded" in browser.get("/audit").content.decode()


def test_a_household_that_is_older_than_the_setting_keeps_everything_until_somebody_chooses() -> None:
    household.current()
    assert household.current().fade_days == 90
    import_module("accounts.migrations.0008_safety").keep_for_ever(apps, None)
    assert household.current().fade_days == 0
