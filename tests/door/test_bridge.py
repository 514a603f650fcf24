"""Two real Mosquittos, bridged with the files that `manage.py mosquitto` writes and certificates of ours."""

import contextlib
import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from pytest_django import Settings

from accounts.models import User
from door import link, mqtt, states, transport
from door.discovery import AVAILABILITY
from door.models import Door
from door.transport import HomeSilent, Message
from pki import revocation
from pki.models import Certificate
from portal import broker_acl, services
from tests.door.broker import Visitor, visitor
from tests.portal import mosquittos
from tests.portal.mosquittos import Household
from tests.portal.running import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WITHIN = 15  # seconds; a guard, not a promise
FRONT, GARAGE = "latchkey/front/open", "latchkey/garage/open"
STATE = "latchkey/front/state"
REFUSED = "certificate verify failed"  # in Mosquitto's log


@pytest.fixture
def household(tmp_path: Path, signer: Path, alice: User, bob: User) -> Iterator[Household]:
    """Two doors: `front` is the home broker's, `garage` a controller's, which connects by itself."""
    with mosquittos.household(tmp_path, alice, bob) as made:
        front = {"slug": "front", "name": "Front door", "topic": FRONT, "state_topic": STATE}
        Door.objects.create(**front, served_by=made.named("home"))
        Door.objects.create(slug="garage", name="Garage", topic=GARAGE, served_by=made.named("garage"))
        made.set_up()
        made.portal.start()
        made.home.start()
        yield made


@pytest.fixture
def at_home(household: Household) -> Iterator[Visitor]:
    """Somebody who listens to everything at home; the bridge is up."""
    with visitor(household.home.port, "#") as found:
        bridged(found)
        yield found


@pytest.fixture
def door(household: Household, settings: Settings) -> Iterator[None]:
    """The door's own client, with its own certificate."""
    settings.BROKER = {
        "host": "localhost",
        "port": household.portal.port,
        "tls": True,
        "user": "",
        "password": "",
    }
    services.renew_door()
    mqtt.start()
    wait_until(lambda: link.read().connected, WITHIN, "connected")
    yield
    mqtt.stop()


def bridged(listener: Visitor) -> None:
    listener.until(lambda message: (message.topic, message.payload) == ("latchkey/bridge", b"1"))


def message(nonce: str, topic: str = FRONT, expires: int = 5) -> Message:
    payload = {"v": 1, "door": "front", "nonce": nonce, "deadline": int(time.time()) + expires}
    return Message(topic, json.dumps(payload).encode(), expires)


def press(nonce: str, **more: object) -> None:
    transport.current().publish(message(nonce, **more))


def pressed_when_the_bridge_is_up(nonce: str) -> None:
    """While nobody at home listens a press is refused, and never delivered later."""

    def goes() -> bool:
        try:
            press(nonce)
        except HomeSilent:
            return False
        return True

    wait_until(goes, WITHIN, "the press is taken")


def revoke_home(household: Household) -> None:
    certificate = Certificate.objects.get(subject=household.named("home"))
    revocation.revoke(certificate, "keyCompromise", by="bob", address="")


def is_open(listener: Visitor) -> str:
    """The nonce of the next "open" at home, which still says when it expires."""
    heard = listener.until(lambda found: found.topic == FRONT)
    assert (heard.qos, heard.retain) == (1, False)
    assert 1 <= heard.properties.MessageExpiryInterval <= 5
    return str(json.loads(heard.payload)["nonce"])


def test_a_press_comes_home_with_its_expiry_and_the_state_goes_back(
    door: None, at_home: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, bytes]] = []
    monkeypatch.setattr(states, "heard", lambda topic, payload, **_: told.append((topic, payload)))
    press("one")
    assert is_open(at_home) == "one"
    at_home.says(STATE, '{"nonce":"one","state":"opened"}')
    wait_until(lambda: (STATE, b'{"nonce":"one","state":"opened"}') in told, WITHIN, "the state is heard")


def test_what_home_assistant_is_told_arrives_for_the_homes_own_doors_only(
    door: None, household: Household
) -> None:
    with visitor(household.home.port, "homeassistant/#", AVAILABILITY) as home:
        found = {home.next().topic for _ in range(4)}
        assert found == {
            AVAILABILITY,
            *(f"homeassistant/{kind}/latchkey/front/config" for kind in ("button", "event", "lock")),
        }


def test_nothing_old_arrives_when_the_home_was_away(
    door: None, household: Household, at_home: Visitor
) -> None:
    household.home.stop()
    with pytest.raises(HomeSilent):
        wait_until(lambda: bool(press("old", expires=60)), WITHIN, "refused")
    household.home.start()
    with visitor(household.home.port, "#") as home:
        bridged(home)
        pressed_when_the_bridge_is_up("new")
        assert is_open(home) == "new"


def test_nothing_old_arrives_when_the_line_hung(door: None, household: Household, at_home: Visitor) -> None:
    """A home that stands still takes what was on its way when it wakes: late, but not after the expiry."""
    household.home.send(signal.SIGSTOP)
    press("hung", expires=1)
    time.sleep(2.5)  # past its end
    household.home.send(signal.SIGCONT)
    press("new")
    seen = json.loads(at_home.until(lambda found: found.topic == FRONT).payload)
    late = seen["nonce"] == "hung"
    assert not late or seen["deadline"] < time.time()  # it lay in the socket: what the deadline is for
    if late:
        assert is_open(at_home) == "new"


def test_the_broker_beside_the_portal_may_be_killed(
    door: None, household: Household, at_home: Visitor
) -> None:
    press("before")
    assert is_open(at_home) == "before"
    household.portal.stop()
    at_home.until(lambda found: (found.topic, found.payload) == ("latchkey/bridge", b"0"))
    with pytest.raises(HomeSilent):
        press("meanwhile", expires=60)
    household.portal.start()
    wait_until(lambda: link.read().connected, WITHIN, "connected again")
    bridged(at_home)
    pressed_when_the_bridge_is_up("after")
    assert is_open(at_home) == "after"


def test_a_press_waits_for_no_client_longer_than_its_expiry(door: None, household: Household) -> None:
    """A controller of somebody's own, with a session that outlives its connection, as MQTT 3.1.1 has them."""
    certificate, key = household.device("garage")
    context = household.context(certificate, key)
    heard: list[bytes] = []

    def connect() -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, "garage", clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
        )
        client.tls_set_context(context)
        client.on_message = lambda client, userdata, message: heard.append(json.loads(message.payload))
        ready: list[bool] = []
        client.on_connect = lambda client, *_: client.subscribe(GARAGE, 1)
        client.on_subscribe = lambda *_: ready.append(True)
        client.connect("localhost", household.portal.port)
        client.loop_start()
        wait_until(lambda: bool(ready), WITHIN, "subscribed")
        return client

    first = connect()
    first.disconnect()
    first.loop_stop()
    transport.current().publish(message("expired", GARAGE, 1))
    transport.current().publish(message("still good", GARAGE, 60))
    time.sleep(2.2)
    second = connect()
    wait_until(lambda: bool(heard), WITHIN, "heard")
    second.disconnect()
    second.loop_stop()
    assert [found["nonce"] for found in heard] == ["still good"]


def test_a_revoked_home_broker_is_cut_off_and_cannot_come_back(
    door: None, household: Household, at_home: Visitor
) -> None:
    press("before")
    assert is_open(at_home) == "before"
    revoke_home(household)
    assert household.refresh().startswith("RESTART")
    at_home.until(lambda found: (found.topic, found.payload) == ("latchkey/bridge", b"0"))
    wait_until(lambda: household.portal.log.count(REFUSED) == 1, WITHIN, "refused")
    wait_until(lambda: link.read().connected, WITHIN, "the door is back")
    with pytest.raises(HomeSilent):
        press("after", expires=60)
    household.home.stop()
    household.home.start()
    wait_until(lambda: household.portal.log.count(REFUSED) >= 2, WITHIN, "refused once more")


def test_a_reload_alone_would_leave_it_connected(door: None, household: Household, at_home: Visitor) -> None:
    """Why a revocation restarts the broker. Should this fail one day, Mosquitto has learned something."""
    revoke_home(household)
    fresh = Path(broker_acl.path()).parent.parent / "crl" / "devices.pem"
    shutil.copy(fresh, household.portal.own / "devices.crl.pem")
    household.portal.send(signal.SIGHUP)
    wait_until(lambda: "Reloading config" in household.portal.log, WITHIN, "reloaded")
    press("still there")
    assert is_open(at_home) == "still there"


@pytest.fixture
def controller(household: Household) -> Callable[..., Visitor]:
    """The garage's controller at the portal's broker."""
    certificate, key = household.device("garage")

    def connect(*topics: str) -> Visitor:
        context = household.context(certificate, key)
        return Visitor(household.portal.port, *topics, context=context, host="localhost")

    return connect


def test_a_device_hears_its_own_door_and_no_other(door: None, controller: Callable[..., Visitor]) -> None:
    device = controller("#", FRONT, GARAGE, "homeassistant/#")
    transport.current().publish(message("other door's"))
    transport.current().publish(message("own", GARAGE))
    found = device.until(lambda heard: heard.topic.startswith("latchkey/") and heard.topic != AVAILABILITY)
    assert json.loads(found.payload)["nonce"] == "own"
    device.leave()


def test_a_device_opens_no_door_and_speaks_for_none(
    door: None, at_home: Visitor, controller: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(states, "heard", lambda topic, payload, **_: told.append(topic))
    device = controller()
    for topic in (FRONT, GARAGE, STATE, AVAILABILITY, "homeassistant/button/latchkey/front/config"):
        device.says(topic, '{"nonce":"forged"}')
    device.leave()
    press("real")
    assert is_open(at_home) == "real"
    at_home.says(STATE, "opened")
    wait_until(lambda: STATE in told, WITHIN, "heard")
    assert told == [STATE]


def test_the_broker_beside_the_portal_listens_with_tls_only(household: Household) -> None:
    opened = {int(port) for port in re.findall(r"listen socket on port (\d+)", household.portal.log)}
    assert opened == {household.portal.port}


def test_rules_follow_the_doors(door: None, household: Household, at_home: Visitor) -> None:
    household.refresh()
    bridged(at_home)
    Door.objects.filter(slug="front").update(served_by="somebody-else")
    assert broker_acl.publish() == "new rules for the broker"
    assert household.refresh().startswith("RELOAD")
    wait_until(lambda: "Reloading config" in household.portal.log, WITHIN, "reloaded")
    with contextlib.suppress(HomeSilent):
        press("not for you")
    Door.objects.filter(slug="front").update(served_by=household.named("home"))
    broker_acl.publish()
    household.refresh()
    wait_until(lambda: household.portal.log.count("Reloading config") == 2, WITHIN, "reloaded")
    press("for you")
    assert is_open(at_home) == "for you"


def test_the_refresh_takes_no_older_list_and_no_foreign_one(household: Household) -> None:
    public = broker_acl.path().parent.parent / "crl" / "devices.pem"
    older = public.read_bytes()
    household.refresh()
    revoke_home(household)
    newer = public.read_bytes()
    assert household.refresh().startswith("RESTART")
    assert household.refresh() == ""
    public.write_bytes(older)
    assert "older than the one in use" in household.refresh()
    public.write_text("garbled")
    assert "not signed" in household.refresh()
    assert (household.portal.own / "devices.crl.pem").read_bytes() == newer
