"""The files for the two brokers, from the templates in deploy/mosquitto: texts, nothing is written here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from accounts.sealing import keyed_digest
from door.manage import topic_of
from door.models import Door
from pki.howto import openssl_lines
from pki.profiles import PROFILES

TEMPLATES = Path(settings.BASE_DIR) / "deploy" / "mosquitto"
BLUEPRINT = Path(settings.BASE_DIR) / "deploy" / "home-assistant" / "latchkey_door.yaml"
PORTAL_NAME = "portal-broker"  # common name of the broker beside the portal; it has no rights from it
UNITS = tuple(f"latchkey-broker-refresh.{kind}" for kind in ("service", "path", "timer"))
PLAIN, PROGRAM = 0o644, 0o755


@dataclass(frozen=True)
class Plan:
    """What the files are made for; `hosts` are names and addresses of the broker beside the portal."""

    hosts: tuple[str, ...]
    ca: str  # PEM: issuing CA and root of `devices`
    crl: str  # PEM
    acl: str
    doors: Sequence[Door]
    owner: str  # Unix user that Latchkey's web processes run as
    port: int = 8883
    home_port: int = 1883
    loopback_port: int | None = None  # a second listener, without TLS
    user: str = "mosquitto"
    etc: Path = Path("/etc/mosquitto")  # on the portal's machine
    home_etc: Path = Path("/etc/mosquitto")


@dataclass(frozen=True)
class File:
    text: str
    mode: int = PLAIN


@dataclass(frozen=True)
class Broker:
    """One of the two: whose certificate it has, and what a template may say of it."""

    name: str
    profile: str
    etc: Path
    sans: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


def portal_files(plan: Plan) -> dict[str, File]:
    """Path below portal/ -> file. `etc/` is copied to /etc/mosquitto, `systemd/` to /etc/systemd/system."""
    sans = tuple(f"{'ip' if _is_address(host) else 'dns'}:{host}" for host in plan.hosts)
    public = {"PUBLIC": str(settings.PUBLIC_DIR), "OWNER": plan.owner}
    broker = Broker(PORTAL_NAME, "mqtt-broker", plan.etc, sans, public)
    loopback = _filled("loopback.conf", plan, broker) if plan.loopback_port else ""
    broker = Broker(PORTAL_NAME, "mqtt-broker", plan.etc, sans, {**public, "LOOPBACK": loopback.rstrip("\n")})
    files = {
        "README.txt": File(_filled("README-portal.txt", plan, broker)),
        "etc/mosquitto.conf": File(_filled("portal.conf", plan, broker)),
        "etc/latchkey/acl": File(plan.acl),
        "etc/latchkey/devices.crl.pem": File(plan.crl),
        "etc/latchkey/latchkey-broker-refresh": File(
            _filled("latchkey-broker-refresh", plan, broker), PROGRAM
        ),
        **_common(plan, broker),
    }
    return files | {f"systemd/{name}": File(_filled(name, plan, broker)) for name in UNITS}


def home_files(plan: Plan, name: str) -> dict[str, File]:
    """Path below home/ -> file, for the broker whose certificate says `name`."""
    own = {"TOPICS": _topics(plan.doors, name), "TAG": keyed_digest(name, "id of a bridge")[:12]}
    broker = Broker(name, "mqtt-client", plan.home_etc, values=own)
    return {
        "README.txt": File(_filled("README-home.txt", plan, broker)),
        "etc/mosquitto.conf": File(_filled("home.conf", plan, broker)),
        "etc/conf.d/latchkey.conf": File(_filled("bridge.conf", plan, broker)),
        "home-assistant/blueprints/automation/latchkey/latchkey_door.yaml": File(BLUEPRINT.read_text()),
        "door-listener.py": File((TEMPLATES / "door-listener.py").read_text(), PROGRAM),
        **_common(plan, broker),
    }


def _common(plan: Plan, broker: Broker) -> dict[str, File]:
    return {
        "etc/latchkey/ca.pem": File(plan.ca),
        "etc/latchkey/make-csr.sh": File(_filled("make-csr.sh", plan, broker), PROGRAM),
    }


def _topics(doors: Sequence[Door], name: str) -> str:
    """Lines for topics that officers chose; the usual ones are in the template, for doors yet to come."""
    lines = []
    for door in (door for door in doors if door.served_by == name):
        if door.topic != topic_of(door.slug, "open"):
            lines.append(f"topic {_filter(door.topic)} in 1")
        if door.state_topic not in ("", topic_of(door.slug, "state")):
            lines.append(f"topic {_filter(door.state_topic)} out 1")
    return "\n".join(lines)


def _filter(topic: str) -> str:
    """`topic` as Mosquitto's `topic` takes it: it knows no quotes, so a level with a blank becomes a +.

    The rules at the portal's broker let nothing through that the wider filter takes in.
    """
    return "/".join("+" if " " in level else level for level in topic.split("/"))


def _filled(template: str, plan: Plan, broker: Broker) -> str:
    """The template with its @NAMES@ filled in."""
    profile = PROFILES[broker.profile]
    lines = openssl_lines(profile, common_name=broker.name, sans=broker.sans)
    hosts = ", ".join(plan.hosts)
    values = {
        "ETC": str(broker.etc),
        "USER": plan.user,
        "HOST": plan.hosts[0],
        "PORT": str(plan.port),
        "HOME_PORT": str(plan.home_port),
        "LOOPBACK_PORT": str(plan.loopback_port),
        "NAME": broker.name,
        "TITLE": profile.title,
        "LINES": "\n".join(lines).replace("device.", "broker."),
        "ASK": f"    host names    {hosts}\n" if broker.sans else "",
        "PORTAL_URL": settings.PORTAL_URL,
        **broker.values,
    }
    text = (TEMPLATES / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text.rstrip("\n") + "\n"


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
