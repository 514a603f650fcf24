"""`manage.py mosquitto`: what it writes, what it says, and the programs it writes."""

import getpass
import io
import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from door.models import Door
from pki import csr
from portal import broker_acl
from tests.door.broker import visitor
from tests.portal import mosquittos
from tests.portal.mosquittos import Household
from tests.portal.running import free_port

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def door(slug: str, **more: object) -> Door:
    """As an officer makes one, served by the broker at home."""
    fields = {"name": slug.title(), "topic": f"latchkey/{slug}/open", "served_by": "home-broker"}
    return Door.objects.create(slug=slug, **{"state_topic": f"latchkey/{slug}/state", **fields, **more})


@pytest.fixture
def write(tmp_path: Path, signer: Path) -> Callable[..., str]:
    """`write("--force")` -> what the command said; the files are below tmp_path/out."""

    def run(*words: str) -> str:
        out = io.StringIO()
        call_command("mosquitto", f"--folder={tmp_path / 'out'}", *words, stdout=out)
        return out.getvalue()

    return run


def test_it_writes_both_folders_and_says_what_and_what_next(
    write: Callable[..., str], tmp_path: Path
) -> None:
    door("front")
    said = write()
    for path in ("portal/etc/mosquitto.conf", "portal/etc/latchkey/acl", "home/etc/conf.d/latchkey.conf"):
        assert path in said
        assert (tmp_path / "out" / path).is_file()
    assert "LATCHKEY_MQTT_URL=mqtts://portal.home.arpa:8883" in said
    assert "portal/README.txt, then home/README.txt" in said
    assert not [
        file for file in (tmp_path / "out").rglob("*") if file.is_file() and "PRIVATE KEY" in file.read_text()
    ]


def test_nothing_is_left_to_fill_in(write: Callable[..., str], tmp_path: Path) -> None:
    door("front")
    write()
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file() and file.suffix not in (".json", ".py"):
            assert not {word for word in file.read_text().split() if word.startswith("@")}, file


def test_a_second_time_it_changes_nothing_and_follows_the_doors(write: Callable[..., str]) -> None:
    door("front")
    write()
    assert "everything is as it was" in write()
    door("gate", topic="rfid/door1/open", state_topic="rfid/door1/is open")
    said = write()
    assert "home/etc/conf.d/latchkey.conf" in said
    assert "mosquitto.conf" not in said


def test_what_somebody_changed_is_not_written_over(write: Callable[..., str], tmp_path: Path) -> None:
    write()
    changed = tmp_path / "out/portal/etc/mosquitto.conf"
    changed.write_text("mine")
    door("front")
    with pytest.raises(CommandError, match=r"portal/etc/mosquitto\.conf.*Nothing was written"):
        write()
    assert "latchkey/front/open" not in (tmp_path / "out/portal/etc/latchkey/acl").read_text()
    write("--force")
    assert changed.read_text() != "mine"


def test_a_door_without_a_broker_is_named_with_the_way_out(write: Callable[..., str]) -> None:
    assert "There is no door yet" in write()
    door("front", served_by="")
    assert "“Front” opens for no broker yet" in write()


def test_topics_of_ones_own_go_over_the_bridge(write: Callable[..., str], tmp_path: Path) -> None:
    door("gate", topic="rfid/door1/open", state_topic="rfid/my door/is")
    door("other", topic="else/where", served_by="somebody-else")
    write("--home=home-broker")
    bridge = (tmp_path / "out/home/home-broker/etc/conf.d/latchkey.conf").read_text()
    assert "topic rfid/door1/open in 1\ntopic rfid/+/is out 1\n" in bridge
    assert "else/where" not in bridge
    assert (
        "topic else/where in 1" in (tmp_path / "out/home/somebody-else/etc/conf.d/latchkey.conf").read_text()
    )


def test_the_rules_say_who_may_what() -> None:
    doors = [
        Door(slug="a", topic="a/open", state_topic="a/state", served_by="home"),
        Door(slug="b", topic="b/open", served_by="latchkey-door"),
        Door(slug="c", topic="c/open", state_topic="c/state"),
    ]
    text = broker_acl.rules(doors)
    service, home = text.split("\n\n")[1:]
    assert service.splitlines() == [
        "user latchkey-door",
        "topic write latchkey/door/availability",
        "topic read latchkey/door/availability",
        "topic write homeassistant/+/latchkey/+/config",
        "topic write a/open",
        "topic read a/state",
        "topic write b/open",
        "topic write c/open",
        "topic read c/state",
    ]
    assert home.splitlines() == [
        "user home",
        "topic read latchkey/door/availability",
        "topic read a/open",
        "topic read homeassistant/+/latchkey/a/config",
        "topic write a/state",
    ]


def test_retired_and_practice_doors_have_no_rules(settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_DIR = tmp_path
    assert broker_acl.publish() == ""  # nobody asked for rules yet
    retired = door("old")
    assert broker_acl.publish(first=True)
    assert "latchkey/old/open" in broker_acl.path().read_text()
    Door.objects.filter(pk=retired.pk).update(retired_at=datetime.now(UTC))
    assert broker_acl.publish() == "new rules for the broker"
    assert "latchkey/old" not in broker_acl.path().read_text()
    assert broker_acl.publish() == ""


@pytest.fixture
def household(tmp_path: Path, signer: Path, alice: User, bob: User) -> Household:
    return Household(tmp_path, alice, bob)


def test_the_key_is_made_where_it_stays_and_only_once(household: Household) -> None:
    household.write()
    script = household.portal.own / "make-csr.sh"
    made = subprocess.run(["sh", script], capture_output=True, check=True, timeout=30)
    parsed = csr.parse(made.stdout)
    assert parsed is not None
    key = household.portal.own / "broker.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = subprocess.run(["sh", script], capture_output=True, text=True, timeout=30)
    assert again.returncode == 1
    assert "There is a key already" in again.stderr
    assert b"PRIVATE" not in made.stdout + made.stderr


def test_a_plain_listener_is_there_only_when_the_url_says_so(
    household: Household, settings: Settings
) -> None:
    plain = free_port()
    settings.BROKER = {"host": "127.0.0.1", "port": plain, "tls": False, "user": "", "password": ""}
    door("front")
    with mosquittos.household(household.folder, household.alice, household.bob) as pair:
        pair.set_up()
        pair.portal.start()
        with visitor(plain, "latchkey/front/state") as service:
            service.says("latchkey/front/open", "{}")  # allowed, though nobody listens
        assert f"listen socket on port {pair.portal.port}" in pair.portal.log
        config = pair.portal.etc / "mosquitto.conf"
        assert f"listener {plain} 127.0.0.1" in config.read_text()
        rules = (pair.portal.own / "acl").read_text()
        assert rules.index("topic write latchkey/front/open") < rules.index("user latchkey-door")


def ending(days: float, like: bytes) -> bytes:
    """A list of nobody's that names the same and ends then: the refresh trusts what it noted itself."""
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(now - timedelta(days=6))
    builder = builder.next_update(now + timedelta(days=days)).add_extension(x509.CRLNumber(1), False)
    for entry in x509.load_pem_x509_crl(like):
        builder = builder.add_revoked_certificate(entry)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


def refreshed(household: Household, running: bytes) -> str:
    """What the refresh would do while Mosquitto runs with the list `running`."""
    (household.portal.own / ".running.crl.pem").write_bytes(running)
    public = broker_acl.path().parent.parent
    command = ["sh", household.portal.own / "latchkey-broker-refresh", public, getpass.getuser()]
    marks = {"RELOAD": "echo reload", "RESTART": "echo restart", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [*command, household.portal.own], env=marks, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("\n")[0]


def test_the_broker_is_restarted_before_its_list_ends(household: Household) -> None:
    household.write()
    fresh = (household.portal.own / "devices.crl.pem").read_bytes()
    assert refreshed(household, ending(0.9, fresh)) == "restart"
    assert refreshed(household, ending(5, fresh)) == ""
    assert refreshed(household, fresh) == ""


def test_rules_with_a_line_that_is_none_of_ours_are_refused(household: Household) -> None:
    household.write()
    before = (household.portal.own / "acl").read_bytes()
    broker_acl.path().write_text("user mallory\npattern readwrite #\n")
    assert "a line that Latchkey does not write" in household.refresh()
    assert (household.portal.own / "acl").read_bytes() == before
    broker_acl.publish()


def test_systemd_understands_the_units(household: Household) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not installed")
    household.write()
    units = sorted((household.folder / "written/portal/systemd").iterdir())
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_notes_hold_digests_only(write: Callable[..., str], tmp_path: Path) -> None:
    write()
    notes = json.loads((tmp_path / "out/.written.json").read_text())
    assert all(len(digest) == 64 for digest in notes.values())
