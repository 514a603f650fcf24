"""The way back in, and somebody who leaves: their pages fit, the thumb hits, axe has nothing to say."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts import asking_back, recovery
from accounts.models import Channel, User
from door.models import Group
from enrollment import ra
from portal import leaving
from tests.accounts.ways import ask as ask_back
from tests.conftest import Browser, open_session
from tests.door.acts import let, make_door
from tests.enrollment.acts import HERE, ask, thing
from tests.pictures import faults_in

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer")]


@pytest.fixture(params=["en", "de"])
def pages(
    request: pytest.FixtureRequest, alice: User, charlie: User, bob: User, dora: User, settings: Settings
) -> dict[str, str]:
    language = {"HTTP_ACCEPT_LANGUAGE": request.param}
    visitor, officer = Browser(**language), open_session(Browser(**language), bob)
    stale = open_session(Browser(**language), bob, fresh=False)
    found = {"back": visitor.get("/back"), "back-empty": visitor.post("/back", {"username": ""})}
    found["login"] = visitor.get("/login")
    ask_back(visitor, "alice")
    found["back-words"] = visitor.get("/back")
    found["back-anew"] = visitor.get("/back?anew")
    found["people-asking"] = officer.get("/people")
    found["person-asking"] = officer.get(f"/people/{alice.pk}")
    found["person-back"] = stale.get(f"/people/{alice.pk}/back")
    found["person-back-none"] = officer.get(f"/people/{charlie.pk}/back")
    waiting = asking_back.of(alice)
    assert waiting is not None
    asking_back.allow(waiting.pk, by=bob, address=HERE)
    url = visitor.get("/back")["Location"]
    found["back-password"] = visitor.post(url, {"password": "Alice2026!!"})
    administrator = open_session(Browser(**language), dora)
    found |= departure(administrator, charlie, bob, settings)
    return {f"ways-{name}-{request.param}": page.content.decode() for name, page in found.items()}


def departure(administrator: Browser, person: User, officer: User, settings: Settings) -> dict:
    """Before, while the signer is away, and afterwards."""
    for _ in range(2):
        ra.approve(request=ask(person, thing()), by=officer, address=HERE)
    ask(person, thing())
    let(person, make_door(officer))
    Group.objects.create(name="Family").members.add(person)
    Channel.objects.create(user=person, name="Telegram").url = "tgram://1/2"
    recovery.renew(person)
    found = {"leave-last": administrator.get(f"/people/{officer.pk}/leave")}
    found["person-admin"] = administrator.get(f"/people/{person.pk}")
    found["leave"] = administrator.get(f"/people/{person.pk}/leave")
    there, settings.SIGNER_SOCKET = settings.SIGNER_SOCKET, Path("/nonexistent/signer.sock")
    found["left-waits"] = administrator.post(f"/people/{person.pk}/leave", follow=True)
    settings.SIGNER_SOCKET = there
    leaving.finish()
    found["left"] = administrator.get(f"/people/{person.pk}/left")
    found["person-left"] = administrator.get(f"/people/{person.pk}")
    found["person-return"] = administrator.get(f"/people/{person.pk}/active")
    return found


def test_the_pages_look_right(pages: dict[str, str]) -> None:
    faults = faults_in(pages, ("phone-light", "desk-dark"))
    assert not faults, "\n".join(faults)
