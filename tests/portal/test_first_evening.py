"""The first evening: what is there is seen, and where to go on is shown."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import household, invitations
from accounts.models import User
from audit.models import AuditEvent
from door.models import Door, Press
from enrollment import ra, seen
from portal import first_evening, network_names
from portal.first_evening import DONE, OPEN, SETTLED, SKIPPED, WAITS
from tests.conftest import Browser, open_session
from tests.door.acts import practice_door
from tests.enrollment.acts import HERE, ask, hold

pytestmark = pytest.mark.django_db(transaction=True)
OFFICER = frozenset({"officer", "requester"})


@pytest.fixture
def dora(dora: User) -> User:
    """As whoever sets a household up."""
    dora.is_officer = dora.is_requester = True
    dora.save()
    return dora


@pytest.fixture
def her(dora: User) -> Client:
    """The administrator's browser."""
    return open_session(Browser(), dora)


@pytest.fixture(autouse=True)
def as_on_the_first_day(settings: Settings, transactional_db: None) -> None:
    """As `make run` starts without settings."""
    settings.ENV = {}
    practice_door()


def states() -> dict[str, str]:
    return {step.name: step.state for step in first_evening.steps()}


def text(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_in_a_new_household_only_the_account_and_the_practice_door_are_there(
    signer: object, dora: User
) -> None:
    assert states() == {
        "account": DONE,
        "names": OPEN,
        "trust": OPEN,
        "officer": OPEN,
        "door": DONE,
        "phone": OPEN,
    }


def test_what_is_there_is_seen_whoever_did_it(signer: object, alice: User, bob: User, dora: User) -> None:
    assert states()["officer"] == DONE
    request = ask(alice, "phone")
    assert states()["phone"] == WAITS
    issued = ra.approve(request=request, by=bob, address=HERE).certificate
    assert issued and states()["phone"] == WAITS
    seen.note(issued.pk, address=HERE, at=timezone.now())
    assert states()["phone"] == DONE


def test_a_press_at_the_door_shows_the_phone_as_well(signer: object, dora: User) -> None:
    held = hold(dora)
    assert states()["phone"] == WAITS
    door = Door.objects.get(practice=True)
    Press.objects.create(
        door=door, user=dora, token=uuid4(), certificate=held.pk, device=held.subject, nonce="n1"
    )
    assert states()["phone"] == DONE


def test_an_open_link_for_an_officer_is_waited_for(signer: object, dora: User) -> None:
    invitations.make(dora, roles=frozenset({"requester"}), full_name="Rita")
    assert states()["officer"] == OPEN
    invitations.make(dora, roles=OFFICER, full_name="Otto", hours=1)
    found = next(step for step in first_evening.steps() if step.name == "officer")
    assert (found.state, found.said) == (WAITS, "Otto has not opened the link yet.")


def test_the_one_person_switch_counts_as_well(signer: object, dora: User) -> None:
    house = household.current()
    house.one_person = True
    house.save()
    assert states()["officer"] == DONE


def test_an_officer_who_left_is_missed_again(signer: object, bob: User, dora: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert states()["officer"] == OPEN


def test_names_that_somebody_chose_and_a_certificate_that_somebody_brought_need_no_word(
    signer: object, dora: User, settings: Settings
) -> None:
    settings.ENV, settings.TLS_CERT = {"LATCHKEY_HOSTS": "portal.home.arpa"}, "/somewhere/fullchain.pem"
    assert (states()["names"], states()["trust"]) == (DONE, DONE)


def test_a_name_that_browsers_would_warn_about_is_told(
    signer: object, her: Client, settings: Settings
) -> None:
    settings.ENV = {"LATCHKEY_HOSTS": "bank.example"}
    settings.HOSTS = ["bank.example", "localhost"]
    assert states()["names"] == OPEN
    assert "Browsers would warn about bank.example." in text(her, "/evening")
    assert "Browsers would warn about it" in text(her, "/evening/names")


def test_with_a_broker_the_practice_door_is_not_enough(
    signer: object, dora: User, settings: Settings
) -> None:
    settings.BROKER = object()
    assert states()["door"] == OPEN
    door = Door.objects.create(slug="front", name="Front door", topic="latchkey/front/open")
    assert states()["door"] == OPEN  # nobody may open it yet
    door.rules.create()
    assert states()["door"] == DONE


def test_each_step_has_a_page_that_leads_on(signer: object, her: Client) -> None:
    for step in first_evening.steps()[1:]:
        page = text(her, f"/evening/{step.name}")
        assert f"<h1>{step.title}</h1>" in page
        assert ("Skip it for now" in page) == (step.state != DONE)
    assert her.get("/evening/account").status_code == her.get("/evening/nothing").status_code == 404


def test_a_step_can_be_said_to_be_right_skipped_and_taken_up_again(signer: object, her: Client) -> None:
    answer = her.post("/evening/names", {"say": "settle"})
    assert (answer["Location"], states()["names"]) == ("/evening/trust", DONE)
    her.post("/evening/trust", {"say": "skip"})
    assert (states()["trust"], household.current().evening) == (SKIPPED, {"names": SETTLED, "trust": SKIPPED})
    assert "You skipped this." in text(her, "/evening/trust")
    assert her.post("/evening/trust", {"say": "resume"})["Location"] == "/evening/trust"
    assert states()["trust"] == OPEN
    lines = AuditEvent.objects.filter(action__startswith="household.evening").order_by("sequence")
    assert [(line.action, line.actor, line.target) for line in lines] == [
        ("household.evening-settled", "dora", "names"),
        ("household.evening-skipped", "dora", "trust"),
        ("household.evening-resumed", "dora", "trust"),
    ]


def test_what_has_to_be_there_cannot_be_said_to_be(signer: object, her: Client) -> None:
    her.post("/evening/officer", {"say": "settle"})
    her.post("/evening/officer", {"say": "nonsense"})
    assert household.current().evening == {}


def test_what_comes_to_be_there_counts_more_than_that_it_was_skipped(
    signer: object, dora: User, bob: User
) -> None:
    first_evening.keep("officer", SKIPPED, by=dora)
    assert states()["officer"] == DONE


def test_the_second_officer_is_invited_on_the_spot(signer: object, her: Client) -> None:
    wrong = her.post("/evening/officer/invite", {"full_name": ""})
    assert wrong.status_code == 400
    assert "This needs another look" in wrong.content.decode()
    assert her.post("/evening/officer/invite", {"full_name": "Otto"})["Location"] == "/people/link"
    assert "The link for Otto" in text(her, "/people/link")
    link = invitations.waiting().get()
    assert frozenset(link.roles) == OFFICER
    assert timedelta(hours=71) < link.lapses_at - timezone.now() < timedelta(hours=73)


def test_whoever_is_alone_switches_on_the_spot_with_a_fresh_code(signer: object, dora: User) -> None:
    stale = open_session(Browser(), dora, fresh=False)
    answer = stale.post("/evening/officer/invite", {"alone": "yes"})
    assert answer.status_code == 400 and "Type the six digits" in answer.content.decode()
    assert not household.current().one_person
    fresh = open_session(Browser(), dora)
    assert "whoever gets hold of your account alone" in text(fresh, "/evening/officer")
    assert fresh.post("/evening/officer/invite", {"alone": "yes"})["Location"] == "/evening/officer"
    assert household.current().one_person and states()["officer"] == DONE
    event = AuditEvent.objects.get(action="household.changed")
    assert (event.actor, event.detail) == ("dora", {"one_person": {"before": False, "after": True}})


def test_the_first_door_s_page_shows_the_commands_of_a_broker(signer: object, her: Client) -> None:
    page = text(her, "/evening/door")
    assert "docs/" not in page
    assert "sudo apt install mosquitto" in page and "manage.py mosquitto --host" in page


def test_the_first_page_shows_how_far_it_is_until_nothing_is_left(
    signer: object, her: Client, bob: User, alice: User, dora: User
) -> None:
    page = text(her, "/")
    assert "Go on: Names on the network" in page
    for name in ("names", "trust"):
        her.post(f"/evening/{name}", {"say": "settle"})
    first_evening.keep("phone", SKIPPED, by=dora)
    page = text(her, "/")
    assert "Go on:" not in page
    assert "you skipped one step" in page
    issued = ra.approve(request=ask(alice, "phone"), by=bob, address=HERE).certificate
    assert issued
    seen.note(issued.pk, address=HERE, at=timezone.now())
    assert "first evening" not in text(her, "/").lower()
    assert "Before you go to bed" in text(her, "/evening")


def test_whoever_is_at_it_finds_the_way_back_on_other_pages(signer: object, her: Client, bob: User) -> None:
    back = "Back to the first evening"
    assert back not in text(her, "/people")
    text(her, "/evening/officer")
    assert back in text(her, "/people")
    for name in ("names", "trust", "phone"):
        her.post(f"/evening/{name}", {"say": "skip"})
    text(her, "/evening")
    assert back not in text(her, "/people")


def test_only_administrators_are_asked(signer: object, bob: User) -> None:
    assert "The first evening" not in text(open_session(Browser(), bob), "/")


def test_officers_are_urged_to_have_a_passkey_once_the_evening_is_over(
    signer: object, her: Client, bob: User, alice: User
) -> None:
    urging = "Add a passkey"
    assert urging not in text(her, "/")
    for name in ("names", "trust", "phone"):
        her.post(f"/evening/{name}", {"say": "skip"})
    assert urging in text(her, "/")
    assert urging in text(open_session(Browser(), bob), "/")
    assert urging not in text(open_session(Browser(), alice), "/")


def test_the_line_to_type_holds_the_names_there_are(settings: Settings, db: None) -> None:
    settings.HOSTS = ["192.168.7.7", "pi", "pi.local", "localhost", "127.0.0.1", "::1"]
    assert network_names.line("latchkey.home.arpa") == (
        "LATCHKEY_HOSTS='latchkey.home.arpa 192.168.7.7 pi pi.local' make run"
    )


def test_without_the_authority_the_page_says_so_and_does_not_break(her: Client, settings: Settings) -> None:
    settings.PUBLIC_DIR = settings.DATA / "nothing-here"
    assert her.get("/evening/trust").status_code in (200, 503)
