"""`manage.py mosquitto`: configurations for the broker beside the portal and for the one at home."""

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from door.manage import OWN_NAME
from door.models import Door
from pki import authorities, crl
from pki.errors import PkiError
from portal import broker_acl, broker_folder, brokers

LOOPBACK = ("127.0.0.1", "localhost", "::1")
BESIDE = ("localhost", "127.0.0.1")  # for the door on the same machine
HOME = "home-broker"


class Command(BaseCommand):
    help = "Write configurations for the broker beside the portal and the one at home (docs/brokers.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--folder", type=Path, help="where to write (default: mosquitto in the data folder)")
        add("--force", action="store_true", help="write over files that somebody changed")
        add("--host", action="append", default=[], help="a name of the broker beside the portal; repeatable")
        add("--port", type=int, help="its port (default: that of LATCHKEY_MQTT_URL, or 8883)")
        add("--home", action="append", default=[], metavar="NAME", help="a home broker's name; repeatable")
        add("--home-port", type=int, default=1883, help="where home automation connects (default: 1883)")
        add("--etc", type=Path, default=Path("/etc/mosquitto"), help="Mosquitto's folder beside the portal")
        add("--home-etc", type=Path, default=Path("/etc/mosquitto"), help="Mosquitto's folder at home")
        add("--user", default="mosquitto", help="the Unix user that Mosquitto becomes (default: mosquitto)")
        add("--owner", help="the Unix user that Latchkey runs as (default: the data folder's owner)")

    def handle(self, *args: Any, **options: Any) -> None:
        if os.geteuid() != settings.DATA.stat().st_uid:  # what it leaves there must be the portal's to change
            raise CommandError(f"Run this as {settings.DATA.owner()}, as Latchkey itself: sudo -u …")
        plan, folder = _plan(options), options["folder"] or settings.DATA / "mosquitto"
        names = _homes(options["home"], plan.doors)
        files = _below("portal", brokers.portal_files(plan))
        for name in names:
            files |= _below(_home_folder(name, names), brokers.home_files(plan, name))
        try:
            broker_acl.publish(first=True)
            written = broker_folder.write(folder, files, force=options["force"])
        except OSError as error:
            raise CommandError(f"{folder}: {error}") from error
        self.stdout.write(f"Written to {folder}:" if written else f"{folder}: everything is as it was.")
        for path in written:
            self.stdout.write(f"  {path}")
        self._say_what_is_missing(plan)
        self.stdout.write(_next(folder, names))

    def _say_what_is_missing(self, plan: brokers.Plan) -> None:
        if not plan.doors:
            self.stdout.write(f"There is no door yet: make one at {settings.PORTAL_URL}/doors/")
        for door in plan.doors:
            if door.served_by in ("", OWN_NAME):
                say = f"“{door.name}” opens for no broker yet: at {settings.PORTAL_URL}/doors/ let it be"
                self.stdout.write(f"{say} served by {HOME}, and run this again.")
        if settings.BROKER is None:
            url = f"mqtts://{plan.hosts[0]}:{plan.port}"
            self.stdout.write(f"Then start Latchkey with LATCHKEY_MQTT_URL={url}")


def _plan(options: dict[str, Any]) -> brokers.Plan:
    """What the files are made for: options first, then the settings. Raises CommandError."""
    broker = settings.BROKER
    beside = broker is not None and not broker["tls"] and broker["host"] in LOOPBACK
    issuing, root, revoked = _published()
    doors = broker_acl.served()
    return brokers.Plan(
        hosts=_hosts(options["host"]),
        ca=(authorities.pem(issuing) + authorities.pem(root)).decode(),
        crl=crl.pem(revoked).decode(),
        acl=broker_acl.rules(doors, anonymous=broker_acl.is_plain()),
        doors=doors,
        owner=options["owner"] or settings.DATA.owner(),
        port=options["port"] or (broker["port"] if broker and broker["tls"] else 8883),
        home_port=options["home_port"],
        loopback_port=broker["port"] if broker and beside else None,
        user=options["user"],
        etc=options["etc"].absolute(),
        home_etc=options["home_etc"].absolute(),
    )


def _published() -> tuple[bytes, bytes, bytes]:
    """Issuing CA, root and CRL of `devices`, DER."""
    try:
        issuing, root = authorities.chain("devices")
        if not crl.pem_path("devices").exists():
            crl.publish("devices")
        return issuing, root, crl.published("devices")
    except (PkiError, OSError) as error:
        raise CommandError("There is no authority for devices yet. Start Latchkey once: make run") from error


def _hosts(named: Sequence[str]) -> tuple[str, ...]:
    """Names of the broker, the one that homes use first."""
    broker = settings.BROKER
    own = [broker["host"]] if broker and broker["host"] not in LOOPBACK else []
    found = [*named, *own, *(host for host in settings.HOSTS if host not in LOOPBACK), *BESIDE]
    return tuple(dict.fromkeys(host.lower() for host in found))


def _homes(named: Sequence[str], doors: Sequence[Door]) -> list[str]:
    serving = [door.served_by for door in doors if door.served_by not in ("", OWN_NAME)]
    return list(dict.fromkeys([*named, *serving])) or [HOME]


def _home_folder(name: str, names: Sequence[str]) -> str:
    return "home" if len(names) == 1 else f"home/{Path(name).name}"


def _below(folder: str, files: dict[str, brokers.File]) -> dict[str, brokers.File]:
    return {f"{folder}/{path}": file for path, file in files.items()}


def _next(folder: Path, names: Sequence[str]) -> str:
    homes = " and ".join(f"{_home_folder(name, names)}/README.txt" for name in names)
    return f"Next: read {folder}/portal/README.txt, then {homes} on the machine at home."
