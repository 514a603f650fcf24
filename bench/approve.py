"""From the officer's click to ISSUED, one at a time, over TLS to a running portal.

Beside it, in turn: the signer alone over its socket, a trivial view (/healthz) over the same connection, and
the withdrawal of a request: one change of state with its line in the audit trail, flushed to the disk. An
approval is two such changes and a signature. Where signing takes two milliseconds the changes, which no
processor's arithmetic makes faster, are most of it: so the click is put beside them too.
"""

import base64
import hashlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pki.signer import client
from pki.signer.protocol import CsrEvidence, IssuanceRequest
from tests.portal.running import Running, up

COUNT = 60
TOKEN = "t" * 32  # the CSRF cookie and the form's field agree; both are the browser's to choose


def prepare(running: Running) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.approve_child", str(COUNT)]
    done = subprocess.run(command, env=running.env, capture_output=True, text=True, check=True, timeout=120)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def order(prepared: dict[str, Any], number: int) -> IssuanceRequest:
    """The same work for the signer, without the web side."""
    csr = base64.b64decode(prepared["csrs"][number])
    asker, officer = prepared["people"]
    digest = hashlib.sha256(csr).hexdigest()
    at = datetime.now(UTC).isoformat()
    return IssuanceRequest(
        request_id=str(uuid.uuid4()),
        profile="tls-client",
        profile_digest=prepared["profile_digest"],
        organization="Our household",
        common_name=f"phone {number}",
        sans=(),
        days=365,
        owner=asker,
        csr=csr,
        evidence=CsrEvidence(digest, requester=asker, approver=officer, at=at, one_person=False),
    )


class Person:
    """One connection to the portal, kept alive, with somebody's session."""

    def __init__(self, running: Running, cookie: dict[str, str]) -> None:
        self.origin = f"https://localhost:{running.address[1]}"
        self.web = http.client.HTTPSConnection(
            "localhost", running.address[1], context=running.context(), timeout=30
        )
        cookies = {**cookie, "__Host-latchkey-csrf": TOKEN}
        self.headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "Origin": self.origin,
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> int:
        text = urlencode({**body, "csrfmiddlewaretoken": TOKEN}) if body else None
        self.web.request(method, path, body=text, headers=self.headers)
        answer = self.web.getresponse()
        answer.read()
        return answer.status

    def approve(self, request: str, number: int) -> None:
        form = {"action": "approve", "common_name": f"phone {number}", "days": "365"}
        status = self.ask("POST", f"/queue/{request}/decide", form)
        if status != 302:
            raise RuntimeError(f"approving was answered with {status}")

    def withdraw(self, request: str) -> None:
        status = self.ask("POST", f"/requests/{request}/withdraw", {"sure": "yes"})
        if status != 302:
            raise RuntimeError(f"withdrawing was answered with {status}")


def took(work: Any, *values: Any) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work(*values)
    return (time.perf_counter() - begun) * 1000


def measure(running: Running) -> dict[str, float]:
    prepared = prepare(running)
    officer, asker = (Person(running, cookie) for cookie in prepared["cookies"])
    socket = running.data / "run" / "signer.sock"
    times: dict[str, list[float]] = {"click": [], "signer": [], "trivial": [], "change": []}
    for number, request in enumerate(prepared["requests"]):
        times["trivial"].append(took(officer.ask, "GET", "/healthz"))
        times["signer"].append(took(client.issue, socket, order(prepared, number)))
        times["click"].append(took(officer.approve, request, number))
        times["change"].append(took(asker.withdraw, prepared["withdrawn"][number]))
    return {what: statistics.median(values[5:]) for what, values in times.items()}


def rows() -> list[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as folder, up(Path(folder) / "data") as running:
        ms = measure(running)
    value = f"{ms['click']:.1f} ms (signer alone {ms['signer']:.1f}, trivial view {ms['trivial']:.1f})"
    ratio = (ms["click"] - ms["trivial"]) / ms["signer"]
    return [
        (
            "approve click to ISSUED, less a trivial view, against the signer alone",
            value,
            f"{ratio:.2f}",
            "<= 3",
        ),
        (
            "the same click, against the signer and two plain changes of state",
            f"{ms['click']:.1f} ms (one change {ms['change']:.1f})",
            f"{ms['click'] / (ms['signer'] + 2 * ms['change']):.2f}",
            "<= 1",
        ),
    ]
