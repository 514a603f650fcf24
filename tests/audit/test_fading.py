"""What is private in old lines fades, and the trail still shows whatever is done to it behind its back."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from audit import chain, fading, marks, trail
from audit.chain import FADED
from audit.models import AuditEvent, AuditHead
from tests.audit.changes import cut, edit, remove, swap

pytestmark = pytest.mark.django_db

ADDRESS = "198.51.100.77"
PRESS = {"outcome": "opened", "device": "anna's phone"}


@pytest.fixture(autouse=True)
def a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fading, "AT_A_TIME", 4)


def write(count: int, *, days_ago: int, old: bool = False, **fields: Any) -> list[AuditEvent]:
    """Lines as they were written then; `old`: before there were commitments."""
    return [_line(n, timezone.now() - timedelta(days=days_ago), old, fields) for n in range(count)]


def _line(n: int, at: datetime, old: bool, fields: dict[str, Any]) -> AuditEvent:
    head, _ = AuditHead.objects.get_or_create(pk=1)
    line = AuditEvent(sequence=head.sequence + 1, at=at, previous=head.digest)
    values = {"actor": f"actor{n}", "address": ADDRESS, "action": "test.line", "detail": {"n": n}}
    for name, value in {**values, "target": f"target {n}", **fields}.items():
        setattr(line, name, value)
    if old:
        line.digest = chain.digest_of(line)
    else:
        chain.commit(line)
    line.save(force_insert=True)
    AuditHead.objects.update(sequence=line.sequence, digest=line.digest)
    return line


def fade_all(days: int = 90) -> int:
    """How often it took."""
    times = 0
    while fading.fade(timezone.now() - timedelta(days=days), days=days):
        times += 1
    return times


def private() -> list[tuple[str, str]]:
    """Address and salt of every line that is no mark."""
    lines = AuditEvent.objects.exclude(action=marks.ACTION).order_by("sequence")
    return list(lines.values_list("address", "salt"))


def is_whole() -> bool:
    return trail.verify().broken_at is None


def test_old_addresses_fade_and_young_ones_stay_and_the_chain_is_whole() -> None:
    write(3, days_ago=100)
    write(2, days_ago=10)
    heads = list(AuditEvent.objects.values_list("digest", flat=True))
    assert fade_all() == 1
    assert [address for address, _ in private()] == [FADED] * 3 + [ADDRESS] * 2
    assert [bool(salt) for _, salt in private()] == [False] * 3 + [True] * 2
    assert is_whole()
    assert all(trail.contains(head) for head in heads)


def test_that_lines_faded_is_a_line_of_the_trail() -> None:
    write(6, days_ago=100)
    assert fade_all() == 2
    noted = AuditEvent.objects.filter(action="audit.faded").order_by("sequence")
    assert [line.detail for line in noted] == [
        {"first": 1, "last": 4, "days": 90},
        {"first": 5, "last": 6, "days": 90},
    ]
    assert fade_all() == 0


def test_nothing_is_noted_while_nothing_private_is_old() -> None:
    write(5, days_ago=100, address="")
    write(2, days_ago=10)
    assert fade_all() == 0
    assert not AuditEvent.objects.filter(action="audit.faded").exists()


def test_of_a_press_the_person_and_the_device_fade_with_the_address() -> None:
    write(1, days_ago=100, action="door.pressed", actor="anna", target="front", detail=PRESS)
    write(1, days_ago=100, action="door.pressed", actor="anna", target="front", detail=PRESS, address="")
    write(1, days_ago=1, action="door.pressed", actor="anna", target="front", detail=PRESS)
    fade_all()
    shown = list(AuditEvent.objects.filter(action="door.pressed").order_by("sequence"))
    assert [(line.actor, line.detail, line.target) for line in shown] == [
        (FADED, {}, "front"),
        (FADED, {}, "front"),
        ("anna", PRESS, "front"),
    ]
    assert "anna" not in str(list(AuditEvent.objects.filter(sequence__lt=3).values()))
    assert is_whole()


def test_nothing_of_what_faded_can_be_found_by_trying_addresses() -> None:
    (line,) = write(1, days_ago=100)
    commitment = line.commitment
    fade_all()
    line.refresh_from_db()
    assert line.commitment == commitment
    line.address = ADDRESS  # the right guess, and nothing that tells it from a wrong one
    assert chain.commitment_of(line) != commitment


def test_a_line_from_the_future_holds_up_nothing_and_a_young_one_everything_after_it() -> None:
    write(1, days_ago=-4000)
    write(1, days_ago=100)
    write(1, days_ago=1)
    write(1, days_ago=20_000)
    fade_all()
    assert [address for address, _ in private()] == [FADED, FADED, ADDRESS, ADDRESS]


# Lines from before there were commitments


def test_lines_without_commitments_fade_too_and_stay_proven() -> None:
    write(6, days_ago=300, old=True)
    write(3, days_ago=100)
    write(2, days_ago=1, old=False)
    assert is_whole()
    fade_all()
    assert ADDRESS not in str(list(AuditEvent.objects.filter(sequence__lte=9).values()))
    assert is_whole()


def test_young_lines_without_commitments_stay_until_their_time() -> None:
    write(2, days_ago=100, old=True)
    write(2, days_ago=10, old=True)
    fade_all()
    assert [address for address, _ in private()] == [FADED, FADED, ADDRESS, ADDRESS]
    assert is_whole()


# Somebody with the database's password


def check_changes(count: int, seed: int) -> None:
    """Some lines without commitments, some with, the older half of them faded."""
    chance = random.Random(seed)
    write(3, days_ago=300, old=True)
    write(3, days_ago=100)
    write(3, days_ago=100, action="door.pressed", detail=PRESS | {"n": 1})
    write(3, days_ago=10)
    fade_all()
    lines = AuditEvent.objects.count()
    assert is_whole()
    for _ in range(count):
        mark = transaction.savepoint()
        line = AuditEvent.objects.get(sequence=chance.randint(1, lines))
        before = list(AuditEvent.objects.order_by("pk").values())
        how = chance.choice([edit, edit, edit, remove, swap, cut, forge])
        how(filled(line), chance)
        changed = list(AuditEvent.objects.order_by("pk").values()) != before
        assert is_whole() is not changed, (how, line.sequence)
        transaction.savepoint_rollback(mark)
    assert is_whole()


def filled(line: AuditEvent) -> AuditEvent:
    """`edit` cuts text short, which needs some."""
    line.actor, line.address, line.target = line.actor or "x", line.address or "y", line.target or "z"
    return line


def forge(line: AuditEvent, chance: random.Random) -> None:
    """What only this trail has: another commitment, no salt, an address put back."""
    name, value = chance.choice(
        [
            ("commitment", "0" * 64),
            ("commitment", ""),
            ("salt", "f" * 32),
            ("salt", ""),
            ("address", "10.0.0.1"),
        ]
    )
    AuditEvent.objects.filter(pk=line.pk).update(**{name: value})


def test_each_of_two_hundred_random_changes_to_a_half_faded_trail_is_found() -> None:
    check_changes(200, seed=20261123)


@pytest.mark.slow
def test_each_of_one_thousand_random_changes_to_a_half_faded_trail_is_found() -> None:
    check_changes(1000, seed=2)


def test_an_address_taken_out_before_its_time_is_found() -> None:
    write(4, days_ago=100)
    write(2, days_ago=10)
    fade_all()
    AuditEvent.objects.filter(sequence=5).update(address=FADED, salt="")
    assert trail.verify().broken_at == 5


def test_an_address_put_into_a_faded_line_is_found() -> None:
    write(2, days_ago=100)
    fade_all()
    AuditEvent.objects.filter(sequence=2).update(address="10.9.8.7")
    assert trail.verify().broken_at == 2


@pytest.mark.parametrize("old", [True, False])
def test_what_was_changed_before_is_not_covered_up_by_fading(old: bool) -> None:
    write(4, days_ago=100, old=old)
    AuditEvent.objects.filter(sequence=3).update(target="another")
    with pytest.raises(fading.Broken, match="Line 3 "):
        fade_all()
    assert ADDRESS in str(list(AuditEvent.objects.values()))
    assert trail.verify().broken_at == 3


def test_a_line_made_to_look_as_if_it_never_had_a_commitment_does_not_fade() -> None:
    write(2, days_ago=100)
    AuditEvent.objects.filter(sequence=2).update(commitment="", salt="", target="another")
    with pytest.raises(fading.Broken):
        fade_all()


def test_lines_that_fade_while_the_trail_is_verified_are_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*write(3, days_ago=300, old=True), *write(3, days_ago=100)]

    def read_before_and_after() -> Iterator[AuditEvent]:
        yield from lines[:2]
        fade_all()
        yield from lines[2:4]
        yield from AuditEvent.objects.filter(sequence__gt=4).order_by("sequence")

    monkeypatch.setattr(trail, "_lines", read_before_and_after)
    assert is_whole()
