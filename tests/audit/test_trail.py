"""The audit trail is a chain: whatever is done to it behind record()'s back shows."""

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from audit import trail
from audit.models import AuditEvent, AuditHead
from tests.audit.changes import CHANGES, UNREADABLE, fill, spoil

pytestmark = pytest.mark.django_db

NASTY = "a\x00b\nc\r\u202ed\ud800e\x1b[31m<b>"


def test_an_empty_trail_is_intact() -> None:
    assert trail.verify() == trail.Verdict(0, None, "0" * 64)
    assert trail.head() == "0" * 64


def test_lines_are_numbered_without_gaps_and_hang_together() -> None:
    lines = fill(5)
    assert [line.sequence for line in lines] == [1, 2, 3, 4, 5]
    assert [line.previous for line in lines[1:]] == [line.digest for line in lines[:-1]]
    assert trail.verify() == trail.Verdict(5, None, lines[-1].digest)
    assert trail.head() == lines[-1].digest


def test_a_line_belongs_to_the_transaction_that_wrote_it() -> None:
    fill(1)
    with pytest.raises(RuntimeError), transaction.atomic():
        trail.record("test.undone")
        raise RuntimeError
    trail.record("test.done")
    assert list(AuditEvent.objects.order_by("sequence").values_list("sequence", "action")) == [
        (1, "test.line"),
        (2, "test.done"),
    ]
    assert trail.verify().broken_at is None


def test_what_cannot_be_stored_is_replaced_and_control_characters_are_kept_as_data() -> None:
    trail.record(
        "test.nasty", actor=NASTY, target=NASTY * 50, detail={NASTY: [NASTY, 1.5, None, True, {"x": NASTY}]}
    )
    line = AuditEvent.objects.get()
    assert line.actor == "a\ufffdb\nc\r\u202ed\ufffde\x1b[31m<b>"
    assert len(line.target) == 200
    assert trail.verify().broken_at is None


def test_every_kind_of_detail_survives_the_database_unchanged() -> None:
    detail = {
        "z": 1,
        "a": [1, 2, "ü"],
        "at": timedelta(1),
        "roles": frozenset({"b", "a"}),
        "big": 2**70,
        "t": True,
    }
    trail.record("test.detail", detail=detail)
    assert trail.verify().broken_at is None
    assert AuditEvent.objects.get().detail["roles"] == ["a", "b"]


def test_each_of_two_hundred_random_edits_removals_swaps_and_cuts_is_found() -> None:
    chance = random.Random(20261123)
    fill(12)
    for _ in range(200):
        mark = transaction.savepoint()
        line = AuditEvent.objects.get(sequence=chance.randint(1, 12))
        chance.choice(CHANGES)(line, chance)
        assert trail.verify().broken_at is not None
        transaction.savepoint_rollback(mark)
    assert trail.verify().broken_at is None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's columns take text alone")
@pytest.mark.parametrize("action", ["test.line", "audit.faded"])
@pytest.mark.parametrize(("column", "value"), UNREADABLE)
def test_a_line_too_damaged_to_be_read_is_reported_and_not_a_crash(
    action: str, column: str, value: str
) -> None:
    fill(2)
    trail.record(action, actor="dora", address="192.0.2.1", detail={"first": 1, "last": 1})
    fill(1)
    spoil(3, column, value)
    assert trail.verify().broken_at == 3


def test_lines_cut_off_at_the_end_show_in_the_stored_head() -> None:
    fill(6)
    AuditEvent.objects.filter(sequence__gt=4).delete()
    assert trail.verify().broken_at == 5


def test_lines_cut_off_together_with_the_stored_head_show_against_a_published_one() -> None:
    lines = fill(6)
    published = trail.head()
    AuditEvent.objects.filter(sequence__gt=4).delete()
    AuditHead.objects.update(sequence=4, digest=lines[3].digest)
    assert trail.verify().broken_at is None
    assert trail.contains(lines[3].digest)
    assert not trail.contains(published)


def test_a_rewritten_end_shows_against_a_published_head() -> None:
    lines = fill(6)
    published = trail.head()
    AuditEvent.objects.filter(sequence__gt=4).delete()
    AuditHead.objects.update(sequence=4, digest=lines[3].digest)
    trail.record("test.forged")
    trail.record("test.forged")
    assert trail.verify().broken_at is None
    assert not trail.contains(published)


@pytest.mark.django_db(transaction=True)
def test_eight_writers_at_once_leave_one_chain() -> None:
    def write() -> None:
        for n in range(5):
            trail.record("test.parallel", detail={"n": n})
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trail.verify() == trail.Verdict(40, None, trail.head())
