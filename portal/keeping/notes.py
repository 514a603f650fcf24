"""When there was a backup, and a drill that went well: in the audit trail, for the status page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError

from audit import trail
from audit.models import AuditEvent
from pki.addresses import SERVICES
from pki.models import Certificate
from portal import upgrade

MADE, DRILLED, FAILED, RESTORED = "backup.made", "backup.drill", "backup.drill-failed", "backup.restored"
BACKUP_OLD = timedelta(days=30)
DRILL_OLD = timedelta(days=90)
FIRST_DRILL = timedelta(days=7)  # after the first backup


@dataclass(frozen=True)
class Overdue:
    """What is to be done again: `what` is "backup" or "drill", `since` its last good one."""

    what: str
    since: datetime | None
    sentence: str


def backed_up(name: str, made_at: datetime) -> None:
    """Note a backup in the file `name`, of the state at `made_at`; not in a folder of an older version, which
    has no place for the line before it is started by this one."""
    if not upgrade.look()[1]:
        trail.record(MADE, target=name, detail={"made_at": made_at.isoformat()})


def drilled(name: str, made_at: str, trouble: str) -> bool:
    """Note a drill with the file `name`; `trouble` is "" when it went well. False without a database here."""
    detail = {"made_at": made_at} | ({"trouble": trouble} if trouble else {})
    try:
        trail.record(FAILED if trouble else DRILLED, target=name, detail=detail)
    except DatabaseError:
        return False
    return True


def restored(name: str, made_at: str) -> None:
    """Note, in a restored database, that what follows was not there when the copy was made."""
    trail.record(RESTORED, target=name, detail={"made_at": made_at})


def put_back() -> tuple[str, datetime] | None:
    """When the copy was made that was put back, and when that was: until the first backup after it."""
    found = AuditEvent.objects.filter(action=RESTORED).first()
    if found is None or AuditEvent.objects.filter(action=MADE, sequence__gt=found.sequence).exists():
        return None
    return str(found.detail.get("made_at", "")), found.at


def last(action: str) -> datetime | None:
    """When this was last noted."""
    return AuditEvent.objects.filter(action=action).values_list("at", flat=True).first()


def worth_keeping() -> bool:
    """Whether any person has a certificate: before that, a new beginning loses nothing."""
    return Certificate.objects.filter(owner__lt=SERVICES).exists()


def overdue() -> list[Overdue]:
    """Backup and drill, where one is due; for status page and reminders."""
    if not worth_keeping():
        return []
    now, backup = datetime.now(UTC), last(MADE)
    if backup is None:
        return [Overdue("backup", None, "Nothing of this is kept anywhere else. Run: manage.py backup")]
    found = []
    if now - backup > BACKUP_OLD:
        found.append(Overdue("backup", backup, "What came since would be lost. Run: manage.py backup"))
    return found + _drill_overdue(now)


def _drill_overdue(now: datetime) -> list[Overdue]:
    good, failed = last(DRILLED), last(FAILED)
    if failed and (good is None or failed > good):
        return [Overdue("drill", good, "The last drill failed. Make a new backup, and run a drill with it.")]
    first = AuditEvent.objects.filter(action=MADE).order_by("sequence").values_list("at", flat=True).first()
    due = good + DRILL_OLD if good else (first or now) + FIRST_DRILL
    say = "A backup is good once it was restored. Run: manage.py restore FILE --drill"
    return [Overdue("drill", good, say)] if now > due else []
