"""The door's page tells when the certificate ends, and leads to the next one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from door.models import Door, PinUse
from tests.door.conftest import Visitor, holder_for, make_door
from tests.door.test_page import words


@pytest.fixture
def gate(db: None) -> Door:
    return make_door("garden-gate", pin=PinUse.NONE)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=11, hours=5), "Your certificate ends in 12 days. Renew it"),
        (timedelta(hours=3), "Your certificate ends in 1 day. Renew it"),
        (timedelta(days=31), ""),
    ],
)
def test_the_last_weeks_of_a_certificate_are_told_with_the_way_to_the_next(
    door_face: None, alice: User, gate: Door, left: timedelta, said: str
) -> None:
    answer = Visitor(holder_for(alice, left=left)).get("/")
    assert (said in words(answer)) if said else "Your certificate ends" not in words(answer)
    assert (f'href="{settings.CHECK_URL}/renew"' in answer.content.decode()) is bool(said)
    german = Visitor(holder_for(alice, left=left), "de").get("/")
    assert ("Dein Zertifikat endet in" in words(german)) is bool(said)


def test_a_guests_certificate_of_a_week_is_not_said_to_end_on_its_first_day(
    door_face: None, alice: User, gate: Door
) -> None:
    holder = holder_for(alice, left=timedelta(days=6))
    young = replace(holder.certificate, not_before=timezone.now() - timedelta(days=1))
    assert "Your certificate ends" not in words(Visitor(replace(holder, certificate=young)).get("/"))
