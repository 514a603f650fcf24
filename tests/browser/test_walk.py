"""A person who knows nothing but what the pages say gets from the invitation to the open door, on a phone."""

from pathlib import Path

import pytest

from tests.browser.cast import cast
from tests.browser.phone import EVERY_PORT, Phone
from tests.browser.walking import OPEN, Walk
from tests.door.broker import look_for_mosquitto, visitor
from tests.door.broker import running as mosquitto
from tests.pictures import faults_of, picture

pytestmark = pytest.mark.slow


def test_from_the_invitation_to_the_open_door(tmp_path: Path) -> None:
    look_for_mosquitto()
    with (
        mosquitto(tmp_path) as broker,
        cast(tmp_path, LATCHKEY_MQTT_URL=f"mqtt://127.0.0.1:{broker.port}") as here,
        visitor(broker.port, OPEN) as home,
    ):
        root = here.running.data / "public" / "ca" / "servers-root.pem"
        walk = Walk(here, Phone(tmp_path / "phone", root, EVERY_PORT), home)
        faults = []
        for number, name in enumerate(walk.stops(), 1):
            picture(walk.phone.page, f"walk-{number:02}-{name}")
            faults += [f"{name}: {fault}" for fault in faults_of(walk.phone.page)]
            if name == "no-pin":  # the door's first page
                again = walk.phone.page.reload()
                assert again and (again.security_details() or {}).get("protocol") == "TLS 1.3"
        walk.phone.close()
        assert faults == []
