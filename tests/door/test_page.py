"""What the door's page shows to whom, and that it works without a script."""

import gzip
import html
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone, translation

from accounts import household
from accounts.models import Household, User
from door import pins, states, telling
from door.models import Door, Outcome, PinUse, Press, Rule
from tests.door.conftest import PIN, Home, Visitor, make_door

Visit = Callable[..., Visitor]
MONDAY = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # noon in Vienna


@pytest.fixture
def front(db: None) -> Door:
    return make_door("front-door", pin=PinUse.HERE)


@pytest.fixture
def gate(db: None) -> Door:
    return make_door("garden-gate", pin=PinUse.NONE, colour="brown", picture="gate")


def words(answer: HttpResponse) -> str:
    """The page's text, blanks made one."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def followed(visitor: Visitor, answer: HttpResponse) -> HttpResponse:
    """The page of the press that was made."""
    assert answer.status_code == 303
    assert re.fullmatch(r"/presses/[0-9a-f-]{36}", answer["Location"])
    return visitor.get(answer["Location"])


def test_the_page_has_a_button_for_each_door_and_one_pin_field(
    visit: Visit, alice: User, front: Door, gate: Door
) -> None:
    pins.put(alice, PIN)
    page = visit(alice).get("/").content.decode()
    assert page.count('type="password"') == 1
    assert 'inputmode="numeric" autocomplete="current-password"' in page
    assert 'autocomplete="username"' in page
    assert 'formaction="/doors/front-door/open"' in page
    assert re.search(r'formaction="/doors/garden-gate/open" formnovalidate', page)


def test_without_a_door_that_asks_there_is_no_pin_field(visit: Visit, alice: User, gate: Door) -> None:
    assert 'type="password"' not in visit(alice).get("/").content.decode()


def test_who_has_no_pin_is_told_where_to_set_one(visit: Visit, alice: User, front: Door, gate: Door) -> None:
    page = visit(alice).get("/")
    assert settings.PORTAL_URL + reverse("doors:pin", urlconf="portal.urls") in page.content.decode()
    assert "You have no PIN for these doors yet." in words(page)
    assert "front-door/open" not in page.content.decode()
    assert "garden-gate/open" in page.content.decode()


def test_a_door_that_the_home_asks_the_pin_for_needs_none_of_ours(visit: Visit, alice: User) -> None:
    make_door("cellar", pin=PinUse.HOME)
    page = visit(alice).get("/").content.decode()
    assert 'type="password"' in page
    assert "cellar/open" in page


def test_who_may_open_nothing_is_told_so(visit: Visit, alice: User) -> None:
    Door.objects.filter(practice=True).delete()
    assert "No door is open to you" in words(visit(alice).get("/"))


def test_a_door_shows_what_the_home_says_of_it(visit: Visit, alice: User, gate: Door) -> None:
    Door.objects.filter(pk=gate.pk).update(state_topic="home/gate/state")
    states.heard("home/gate/state", b"locked", retained=True)
    assert "Garden gate locked" in words(visit(alice).get("/"))
    assert "Garden gate verriegelt" in words(visit(alice, "de").get("/"))


@pytest.mark.parametrize(
    ("language", "after", "said"),
    [
        ("en", timedelta(hours=2), "from today 14:00"),
        ("en", timedelta(hours=20), "from tomorrow 8:00"),
        ("en", timedelta(days=4, hours=-4), "from Friday 8:00"),
        ("en", timedelta(days=12), "from 5 December 12:00"),
        ("en", timedelta(days=40), "from 2 January 2027 12:00"),
        ("de", timedelta(hours=2), "ab heute 14:00"),
        ("de", timedelta(days=4, hours=-4), "ab Freitag 8:00"),
        ("de", timedelta(days=12), "ab 5. Dezember 12:00"),
    ],
)
def test_moments_are_said_as_people_say_them(language: str, after: timedelta, said: str) -> None:
    with translation.override(language), timezone.override("Europe/Vienna"):
        assert telling.from_when(MONDAY + after, MONDAY) == said


def test_a_door_out_of_hours_says_when_in_the_household_s_zone(visit: Visit, alice: User) -> None:
    house = household.current()
    Household.objects.filter(pk=house.pk).update(time_zone="Pacific/Auckland")
    door = make_door("shed", pin=PinUse.NONE, rule=False)
    day = timezone.now().astimezone(timezone.get_fixed_timezone(780)).date() + timedelta(days=2)
    Rule.objects.create(door=door, first_day=day, starts=time(8), ends=time(9))
    page = visit(alice).get("/")
    assert f"Shed from {day:%A} 8:00" in words(page)
    assert "shed/open" not in page.content.decode()


@pytest.mark.parametrize(
    ("language", "lang", "said"),
    [
        ("en", "en", "Type it"),
        ("de-AT", "de", "Eingeben, dann"),
        ("fr", "en", "Type it"),
        ("de, en", "de", "PIN"),
    ],
)
def test_the_page_speaks_the_browser_s_language(
    language: str, lang: str, said: str, visit: Visit, alice: User, front: Door
) -> None:
    pins.put(alice, PIN)
    page = visit(alice, language).get("/")
    assert f'<html lang="{lang}">' in page.content.decode()
    assert said in words(page)


def test_a_press_leads_to_its_page(visit: Visit, alice: User, front: Door, home: Home) -> None:
    pins.put(alice, PIN)
    visitor = visit(alice)
    page = followed(visitor, visitor.press(front, PIN))
    assert page.status_code == 200
    assert "This home does not report back." in words(page)
    assert "Back to the doors" in words(page)
    assert len(home.heard) == 1


def test_a_wrong_pin_is_a_422_with_the_tries_that_are_left(
    visit: Visit, alice: User, front: Door, home: Home
) -> None:
    pins.put(alice, PIN)
    visitor = visit(alice)
    page = followed(visitor, visitor.press(front, "774913"))
    assert page.status_code == 422
    assert "Wrong PIN 9 tries are left." in words(page)
    assert not home.heard


def test_too_many_and_locked_are_a_429(visit: Visit, alice: User, front: Door, home: Home) -> None:
    pins.put(alice, PIN)
    visitor = visit(alice)
    made = [visitor.press(front, "774913") for _ in range(11)]
    page = followed(visitor, made[-1])
    assert (page.status_code, made[-1].status_code) == (429, 303)
    assert "Locked Too many wrong PINs at this door. Try again tomorrow" in words(page)
    busy = make_door("gate", pin=PinUse.NONE, presses_per_hour=1)
    page = [followed(visitor, visitor.press(busy)) for _ in range(2)][-1]
    assert page.status_code == 429
    assert re.search(r"Too many presses You may press again at \d+:\d\d\.", words(page))


@pytest.mark.parametrize(("pin", "said"), [("", "Type it, then press"), ("x1", "A PIN has digits only.")])
def test_a_slip_shows_the_form_again(
    pin: str, said: str, visit: Visit, alice: User, front: Door, home: Home
) -> None:
    pins.put(alice, PIN)
    page = visit(alice).press(front, pin)
    assert page.status_code == 422
    assert said in words(page)
    assert 'type="password"' in page.content.decode()
    assert not Press.objects.exists()


def test_a_door_that_wants_a_pin_tells_who_has_none(
    visit: Visit, alice: User, front: Door, home: Home
) -> None:
    page = visit(alice).press(front, PIN)
    assert page.status_code == 422
    assert "You have no PIN yet" in words(page)


@pytest.mark.parametrize("token", ["", "x", "1" * 200, "\x00"])
def test_a_form_without_its_token_opens_nothing(
    token: str, visit: Visit, alice: User, gate: Door, home: Home
) -> None:
    answer = visit(alice).post("/doors/garden-gate/open", {"token": token})
    assert answer.status_code == 400
    assert not home.heard


def test_a_door_that_is_not_there_is_a_404(visit: Visit, alice: User, charlie: User, home: Home) -> None:
    Rule.objects.create(door=make_door("den", rule=False), person=charlie)
    for slug in ("den", "nowhere"):
        answer = visit(alice).post(f"/doors/{slug}/open", {"token": str(uuid.uuid4()), "pin": PIN})
        assert answer.status_code == 404
        assert "This door does not open for you any more" in words(answer)
    assert not home.heard


def press_of(user: User, door: Door, outcome: str, age: float = 0, **more: object) -> Press:
    made = Press.objects.create(
        door=door,
        user=user,
        token=uuid.uuid4(),
        certificate=uuid.uuid4(),
        device="phone",
        nonce=uuid.uuid4().hex,
        outcome=outcome,
        **more,
    )
    Press.objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(seconds=age))
    return made


@pytest.mark.parametrize(
    ("outcome", "age", "said", "going"),
    [
        ("sending", 0, "Sending", True),
        ("sending", 31, "Not known", False),
        ("received", 3, "Waiting for the home", True),
        ("received", 16, "The home has not said that it opened.", False),
        ("opened", 3, "Opened", False),
        ("unanswered", 3, "Nothing will open later.", False),
        ("denied", 3, "Refused by the home", False),
    ],
)
def test_the_page_of_a_press_says_what_became_of_it(
    outcome: str, age: float, said: str, going: bool, visit: Visit, alice: User, gate: Door
) -> None:
    Door.objects.filter(pk=gate.pk).update(state_topic="home/gate/state")
    made = press_of(alice, gate, outcome, age)
    page = visit(alice).get(f"/presses/{made.pk}")
    assert said in words(page)
    assert ('http-equiv="refresh"' in page.content.decode()) is going
    part = visit(alice).get(f"/presses/{made.pk}/state").content.decode()
    assert ("data-poll" in part) is going
    assert "<html" not in part


def test_without_a_script_the_page_looks_again_for_a_while(visit: Visit, alice: User, gate: Door) -> None:
    made = press_of(alice, gate, "sending")
    visitor, path, looks = visit(alice), f"/presses/{made.pk}", 0
    while found := re.search(r'content="1; url=([^"]+)"', visitor.get(path).content.decode()):
        path, looks = found[1], looks + 1
    assert looks == 15
    for odd in ("-1", "x", "99999", "²"):
        assert 'http-equiv="refresh"' not in visitor.get(f"/presses/{made.pk}?look={odd}").content.decode()


def test_a_practice_door_says_that_nothing_opens(visit: Visit, alice: User, db: None) -> None:
    made = press_of(alice, Door.objects.get(practice=True), "practice")
    assert "This is a practice door: nothing opens." in words(visit(alice).get(f"/presses/{made.pk}"))
    assert "broker" not in words(visit(alice).get("/history"))


def test_a_press_at_a_real_door_without_a_broker_is_practice_and_stays_it(
    visit: Visit, alice: User, gate: Door
) -> None:
    page = words(visit(alice).press(gate, follow=True))
    assert "Latchkey has no broker yet, so nothing opens." in page
    assert Press.objects.get().outcome == "practice"


def test_somebody_else_s_press_is_not_there(visit: Visit, alice: User, charlie: User, gate: Door) -> None:
    made = press_of(alice, gate, "opened")
    for path in (f"/presses/{made.pk}", f"/presses/{made.pk}/state", f"/presses/{uuid.uuid4()}"):
        assert visit(charlie).get(path).status_code == 404


def test_the_history_is_one_s_own_and_in_pages(
    visit: Visit, alice: User, charlie: User, gate: Door, front: Door
) -> None:
    press_of(charlie, front, "opened")
    for number in range(35):
        press_of(alice, gate, "opened", age=number)
    visitor = visit(alice)
    first = visitor.get("/history").content.decode()
    assert (first.count("Garden gate"), first.count("Front door")) == (30, 0)
    further = re.search(r'href="(\?after=[^"]+)"', first)
    assert further
    second = visitor.get("/history" + html.unescape(further[1])).content.decode()
    assert second.count("Garden gate") == 5
    assert not set(re.findall(r"/presses/[\w-]+", first)) & set(re.findall(r"/presses/[\w-]+", second))
    assert visitor.get("/history?after=nonsense%00").status_code == 200


def test_somebody_new_reads_what_the_history_is_for(visit: Visit, alice: User) -> None:
    assert "You have not pressed any door yet." in words(visit(alice).get("/history"))


def test_help_says_whom_to_ask_and_what_was_not_tried(visit: Visit, alice: User) -> None:
    page = words(visit(alice).get("/help"))
    for said in ("Chrome remembers a wrong choice", "Add to Home Screen", "not tried on a real iPhone"):
        assert said in page


@pytest.mark.parametrize(
    ("language", "name"), [("en", "Doors: Our household"), ("de", "Türen: Our household")]
)
def test_the_manifest_stays_in_the_browser(language: str, name: str, visit: Visit, alice: User) -> None:
    visitor = visit(alice, language)
    answer = visitor.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    said = answer.json()
    assert (said["display"], said["start_url"], said["name"]) == ("browser", "/", name)
    for icon in said["icons"]:
        assert (settings.BASE_DIR / icon["src"].lstrip("/")).is_file()
    page = visitor.get("/").content.decode()
    assert 'href="/manifest.webmanifest" crossorigin="use-credentials"' in page
    assert "manifest-src 'self'" in visitor.get("/")["Content-Security-Policy"]


def test_a_person_s_secret_is_not_saved_under_their_name_at_the_portal(
    visit: Visit, alice: User, front: Door
) -> None:
    """Password managers know no ports: they would offer one as the other."""
    pins.put(alice, PIN)
    assert 'value="alice (PIN)"' in visit(alice).get("/").content.decode()


def test_the_script_is_small() -> None:
    script = (settings.BASE_DIR / "static/door/door.js").read_bytes()
    assert len(gzip.compress(script)) < 3_000


def outcomes(visitor: Visitor, user: User, door: Door) -> list[HttpResponse]:
    return [visitor.get(f"/presses/{press_of(user, door, one).pk}") for one in Outcome.values]


def test_no_answer_is_ever_a_403(visit: Visit, alice: User, gate: Door, home: Home) -> None:
    visitor = visit(alice, enforce_csrf_checks=True)
    answers = outcomes(visitor, alice, gate)
    answers += [visitor.press(gate), visitor.get("/nowhere"), visitor.post("/"), visitor.get("/doors/x/open")]
    assert {answer.status_code for answer in answers} <= {200, 404, 405, 422, 429}
