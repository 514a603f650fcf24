"""The demo's doors open for the devices it writes."""

import http.client
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from door.models import Outcome
from tests.portal.running import Running, up

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("demo") / "data", "demo") as running:
        yield running


def account(demo: Running, username: str) -> dict[str, Any]:
    told = json.loads((demo.data / "credentials.json").read_text())
    return next(one for one in told["accounts"] if one["username"] == username)


def at_the_door(demo: Running, username: str) -> http.client.HTTPSConnection:
    """A connection with this person's device."""
    context = demo.context()
    context.load_cert_chain(account(demo, username)["device"])
    port = int(demo.env["LATCHKEY_DOOR_BIND"].rpartition(":")[2])
    return http.client.HTTPSConnection("localhost", port, context=context, timeout=10)


def page(demo: Running, username: str) -> tuple[str, dict[str, str]]:
    """The first page, and what a form on it sends back besides its fields."""
    door = at_the_door(demo, username)
    door.request("GET", "/")
    answer = door.getresponse()
    assert answer.status == 200
    cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
    return answer.read().decode(), {"Cookie": cookie}


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found, text
    return found[1]


def press(demo: Running, username: str, slug: str) -> str:
    """Where the press's own page is."""
    text, headers = page(demo, username)
    fields = {name: hidden(text, name) for name in ("csrfmiddlewaretoken", "token")}
    fields["pin"] = account(demo, username)["pin"]
    door = at_the_door(demo, username)
    headers |= {
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": f"https://localhost:{door.port}",
    }
    door.request("POST", f"/doors/{slug}/open", urlencode(fields), headers)
    answer = door.getresponse()
    assert answer.status in (302, 303), answer.read()
    return str(answer.headers["Location"])


def outcome(demo: Running, place: str) -> str:
    with sqlite3.connect(demo.data / "web/latchkey.sqlite3") as database:
        key = place.rstrip("/").rpartition("/")[2].replace("-", "")
        return str(database.execute("select outcome from door_press where id = ?", [key]).fetchone()[0])


@pytest.mark.parametrize("username", ["alice", "charlie"])
def test_a_device_of_the_demo_sees_the_doors(demo: Running, username: str) -> None:
    text, _ = page(demo, username)
    assert all(name in text for name in ("Front door", "Garage", "Cellar"))
    assert "Practice door" not in text


@pytest.mark.parametrize("slug", ["front-door", "garage"])
def test_it_opens_one_without_any_broker(demo: Running, slug: str) -> None:
    assert outcome(demo, press(demo, "alice", slug)) == "received"


def test_its_files_are_for_their_owner_and_both_hold_the_same_key(demo: Running) -> None:
    alice = account(demo, "alice")
    pem, p12 = Path(alice["device"]), Path(alice["p12"])
    assert {file.stat().st_mode & 0o777 for file in (pem, p12)} == {0o600}
    found = pkcs12.load_pkcs12(p12.read_bytes(), alice["p12_password"].encode())
    assert found.cert is not None
    assert found.key is not None
    kept = load_pem_private_key(pem.read_bytes(), None)
    assert found.key.private_numbers() == kept.private_numbers()
    assert len(found.additional_certs) == 2
    assert account(demo, "bob").keys().isdisjoint({"device", "p12"})


def test_the_history_has_every_outcome_and_somebody_guessed_pins(demo: Running) -> None:
    with sqlite3.connect(demo.data / "web/latchkey.sqlite3") as database:
        seen = {row[0] for row in database.execute("select distinct outcome from door_press")}
        wrong = database.execute("select max(today) from door_tries").fetchone()[0]
    assert seen == set(Outcome.values) - {"sending"}
    assert wrong == 10
