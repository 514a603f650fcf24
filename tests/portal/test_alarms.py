"""What is overdue is told to officers and administrators: of a list once, of a backup once a week."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Notice, User
from pki import crl
from portal import alarms, mail_health
from portal.keeping import notes
from portal.keeping.notes import Overdue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lists(signer: Path) -> None:
    for authority in ("clients", "servers", "devices"):
        crl.publish(authority)


def told(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("subject").values_list("subject", flat=True))


def test_while_all_is_well_nobody_is_told(lists: None, bob: User, dora: User) -> None:
    assert alarms.tell() == ""


def test_a_list_that_is_not_made_anew_is_told_once(
    lists: None, bob: User, dora: User, alice: User, erin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = crl.current("clients").frame.next_update_utc
    assert left is not None
    monkeypatch.setattr(alarms, "LISTS_LEFT", left - datetime.now(UTC) + timedelta(minutes=5))
    for _ in range(2):
        alarms.tell()
    assert "The revocation list clients is overdue" in told(bob)
    assert told(bob) == told(dora)
    assert len(told(bob)) == len(set(told(bob)))
    assert not told(alice) + told(erin)


def test_a_backup_that_is_overdue_is_told_once_a_week(
    lists: None, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Overdue("backup", None, "Run: manage.py backup"), Overdue("drill", None, "Run a drill")]
    monkeypatch.setattr(notes, "overdue", lambda: found)
    assert alarms.tell() == "2 told"
    assert alarms.tell() == ""
    assert told(bob) == ["A backup is overdue", "Try a backup: a drill is overdue"]
    Notice.objects.filter(subject__startswith="A backup").update(event="last week")
    Notice.objects.filter(subject__startswith="Try").delete()
    assert alarms.tell() == "2 told"


def test_a_list_that_is_gone_keeps_no_other_alarm_back(
    lists: None, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "overdue", lambda: [Overdue("backup", None, "Run: manage.py backup")])
    crl.path("clients").unlink()
    with pytest.raises(FileNotFoundError):
        alarms.tell()
    assert told(bob) == ["A backup is overdue"]


@pytest.mark.django_db
def test_the_status_says_whether_there_is_a_mail_server() -> None:
    assert settings.MAIL is None
    assert [fact.word for fact in mail_health.messages()] == ["Not set up", "Sent"]
