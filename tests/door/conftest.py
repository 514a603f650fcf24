"""People at the door, and a home that writes down what it hears."""

import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from door import transport
from door.identity import Holder
from door.models import Door, Rule
from pki import verification
from pki.models import Certificate
from pki.verification import LiveCertificate
from tests.conftest import Browser

PIN = "830274"
# 200 MB of other people's code: `make homeassistant` installs it and runs these.
collect_ignore = [] if "HOME_ASSISTANT" in os.environ else ["test_home_assistant.py"]


class Home:
    """What was published, in order. `silent`: it does not answer. `then` runs before the answer goes back."""

    def __init__(self) -> None:
        self.heard: list[transport.Message] = []
        self.silent = False
        self.then: Callable[[], None] = lambda: None

    def publish(self, message: transport.Message) -> None:
        if self.silent:
            raise transport.HomeSilent("The home does not answer.")
        self.heard.append(message)
        self.then()


@pytest.fixture
def home() -> Iterator[Home]:
    before, made = transport.current(), Home()
    transport.use(made)
    yield made
    transport.use(before)


def make_door(slug: str, **more: object) -> Door:
    """A door that everybody with a certificate may open at any time, unless `rule=False`."""
    rule = more.pop("rule", True)
    named = {"name": slug.replace("-", " ").capitalize(), "topic": f"latchkey/{slug}/open", **more}
    door = Door.objects.create(slug=slug, **named)
    if rule:
        Rule.objects.create(door=door)
    return door


def holder_for(user: User, device: str = "phone", left: timedelta = timedelta(days=300)) -> Holder:
    """With a certificate of a year that the database knows; it was never signed."""
    ends = timezone.now() + left
    starts = ends - timedelta(days=365)
    name, fingerprint, key = f"{user.full_name}, {device}", secrets.token_hex(32), uuid.uuid4()
    Certificate.objects.create(
        id=key,
        request_id=uuid.uuid4(),
        owner=str(user.pk),
        authority=verification.AUTHORITY,
        profile=verification.PROFILE,
        serial=fingerprint[:16],
        fingerprint=fingerprint,
        subject=name,
        der=b"",
        not_before=starts,
        not_after=ends,
    )
    return Holder(user, LiveCertificate(key, str(user.pk), name, fingerprint, fingerprint[:16], ends, starts))


@pytest.fixture
def door_face(settings: Settings) -> None:
    """The settings of the door's process."""
    settings.ROOT_URLCONF = "portal.urls_door"
    settings.MIDDLEWARE = settings.DOOR_MIDDLEWARE
    settings.CSRF_COOKIE_NAME = settings.DOOR_CSRF_COOKIE
    settings.CSRF_FAILURE_VIEW = "door.views.faults.csrf_failure"


class Visitor(Browser):
    """A browser whose connection has somebody's certificate."""

    def __init__(self, holder: Holder, language: str = "en", **more: object) -> None:
        super().__init__(**{"latchkey.holder": holder, "HTTP_ACCEPT_LANGUAGE": language}, **more)

    def press(self, door: Door, pin: str = "", token: object = None, **more: object) -> HttpResponse:
        data = {"pin": pin, "token": str(token or uuid.uuid4())}
        return self.post(f"/doors/{door.slug}/open", data, **more)


@pytest.fixture
def visit(door_face: None) -> Callable[..., Visitor]:
    """`visit(alice)`, `visit(alice, "de-AT")`: her phone in front of the door."""
    return lambda user, language="en", **more: Visitor(holder_for(user), language, **more)
