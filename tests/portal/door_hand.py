"""Somebody inside a running household, for tests: does through the real verbs what takes people days.

A program: started with the environment of a running `manage.py up`, it reads orders as lines of JSON and
answers each with one. `Hand` is the other end.
"""

import base64
import hashlib
import importlib
import json
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
from cryptography import x509
from django.conf import settings

HERE = "192.0.2.1"
MODULES = {
    "accounts": "accounts.models",
    "pki": "pki.models",
    "ra": "enrollment.ra",
    "devices": "enrollment.devices",
    "challenges": "enrollment.challenges",
    "requests": "enrollment.models",
    "csr": "pki.csr",
    "revocation": "pki.revocation",
    "crl": "pki.crl",
    "replaced": "enrollment.replaced",
    "health": "portal.health",
    "metering": "portal.metering",
}


class Hand:
    """Gives orders; `hand("revoke", id=…)` returns what came of it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.free = threading.Lock()

    def __call__(self, act: str, **words: Any) -> dict[str, Any]:
        with self.free:
            return self._done(act, words)

    def _done(self, act: str, words: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"act": act, **words}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the hand did not survive {act}"
        found: dict[str, Any] = json.loads(answer)
        return found


@contextmanager
def hand(env: dict[str, str], program: str = "tests.portal.door_hand") -> Iterator[Hand]:
    command = [sys.executable, "-m", program]
    with subprocess.Popen(command, env=env, cwd=settings.BASE_DIR, stdin=-1, stdout=-1, text=True) as process:
        try:
            yield Hand(process)
        finally:
            process.stdin.close()  # type: ignore[union-attr]
            process.wait(10)


class Acts:
    """What the hand can do. Made after django.setup(): its modules come as arguments."""

    def __init__(self, **modules: Any) -> None:
        self.ra, self.csr, self.revocation, self.crl = (
            modules[name] for name in ("ra", "csr", "revocation", "crl")
        )
        self.health, self.metering = modules["health"], modules["metering"]
        self.users = modules["accounts"].User.objects
        self.certificates = modules["pki"].Certificate.objects
        self.devices, self.challenges = modules["devices"], modules["challenges"]
        self.replaced = modules["replaced"]
        self.requests = modules["requests"].CertificationRequest.objects

    def person(self, name: str, **roles: bool) -> Any:
        found = self.users.filter(username=name).first()
        return found or self.users.create_user(name, full_name=name.title(), **roles)

    def issue(self, pem: str, owner: str, device: str, profile: str, sans: list[str]) -> dict[str, Any]:
        """Asked for, approved by bob, and issued."""
        by, bob = self.person(owner, is_requester=True), self.person("bob", is_officer=True)
        parsed = self.csr.parse(pem.encode())
        asked = self.ra.submit(by=by, address=HERE, csr=parsed, profile=profile, device=device, sans=sans)
        done = self.ra.approve(request=asked, by=bob, address=HERE).certificate
        return {"id": str(done.pk), "der": base64.b64encode(bytes(done.der)).decode()}

    def device(self, owner: str, device: str) -> dict[str, Any]:
        """Approved, without a key yet; gives what stands in its profile."""
        by, bob = self.person(owner, is_requester=True), self.person("bob", is_officer=True)
        asked = self.ra.ask_for_device(by=by, address=HERE, device=device)
        done = self.ra.approve(request=asked, by=bob, address=HERE)
        return {"id": str(done.pk), "challenge": self.devices.challenge_of(done)}

    def challenge(self, owner: str, device: str) -> dict[str, Any]:
        """For a program that asks in the name of `owner`."""
        by = self.person(owner, is_requester=True)
        return {"challenge": self.challenges.make(by=by, address=HERE, device=device)}

    def approve(self, device: str) -> dict[str, Any]:
        """What waits under this name, by bob; gives how many that were."""
        bob = self.person("bob", is_officer=True)
        waiting = list(self.requests.filter(device=device, status="pending"))
        for request in waiting:
            self.ra.approve(request=request, by=bob, address=HERE)
        return {"approved": len(waiting)}

    def asked(self, device: str) -> dict[str, Any]:
        """What became of the requests of this name, the oldest first."""
        found = self.requests.filter(device=device).order_by("created_at")
        return {"requests": [[one.kind, one.status] for one in found]}

    def enter(self, der: str, owner: str, profile: str = "tls-client") -> dict[str, Any]:
        """Into the database, past the signer: as if it had been issued."""
        found = x509.load_der_x509_certificate(base64.b64decode(der))
        row = self.certificates.create(
            request_id=uuid.uuid4(),
            owner=str(self.person(owner, is_requester=True).pk),
            authority="clients",
            profile=profile,
            serial=f"{found.serial_number:x}",
            fingerprint=hashlib.sha256(base64.b64decode(der)).hexdigest(),
            subject=owner,
            der=base64.b64decode(der),
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
        )
        return {"id": str(row.pk)}

    def revoke(self, id: str, reason: str) -> dict[str, Any]:
        self.revocation.revoke(self.certificates.get(pk=id), reason, by="bob", address=HERE)
        return {}

    def mark(self, id: str, **columns: Any) -> dict[str, Any]:
        """Change the row alone, not the list."""
        return {"changed": self.certificates.filter(pk=id).update(**columns)}

    def activate(self, name: str, active: bool) -> dict[str, Any]:
        return {"changed": self.users.filter(username=name).update(is_active=active)}

    def problems(self) -> dict[str, Any]:
        """What officers read on their first page, and the gauge."""
        (up,) = re.findall(r"latchkey_door_up ([0-9.]+)", self.metering.text())
        return {"said": self.health.problems_at_a_glance(), "up": float(up)}

    def tidy(self) -> dict[str, Any]:
        """What housekeeping does each minute; gives how many were revoked."""
        return {"revoked": self.replaced.revoke()}

    def publish(self) -> dict[str, Any]:
        """A new list of the clients CA."""
        self.crl.publish("clients")
        return {}


def main(kind: type[Acts] = Acts, **more: str) -> None:
    """`more` modules for a `kind` that can do more."""
    django.setup()
    acts = kind(**{name: importlib.import_module(path) for name, path in (MODULES | more).items()})
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(getattr(acts, order.pop("act"))(**order)), flush=True)


if __name__ == "__main__":
    main()
