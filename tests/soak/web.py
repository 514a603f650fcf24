"""Connections that are kept alive, to each face."""

import http.client
import re
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.portal.running import Running

PATIENCE = 60  # seconds: the machine may be busy, and nothing here measures time
IDLE = 10  # seconds after which a connection is made anew: the faces close it after fifteen
TOKEN = "t" * 32  # the CSRF cookie and the form's field agree; both are the browser's to choose
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "c" * 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def field(self, name: str) -> str:
        """What stands in a form's field of the page, as far as it is plain; "" for none."""
        found = re.search(rf'name="{name}" value="([^"]*)"'.encode(), self.body)
        return found[1].decode() if found else ""


@dataclass
class Line:
    """One client of one face; connects when it must. Raises OSError or HTTPException when nobody answers."""

    address: tuple[str, int]
    context: ssl.SSLContext | None = None
    source: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)
    web: http.client.HTTPConnection | None = None
    used: float = 0.0  # when, on the monotonic clock

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request. A kept connection that was closed meanwhile is made anew, once, for what reads."""
        if time.monotonic() - self.used > IDLE:
            self.close()
        self.used = time.monotonic()
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        fresh = self.web is None
        try:
            return self._ask(method, path, body, {**self.headers, **more})
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if fresh or method == "POST":
                raise
            return self._ask(method, path, body, {**self.headers, **more})
        except BaseException:
            self.close()
            raise

    def form(self, path: str, **fields: str) -> Answer:
        """A form of ours, sent as a browser sends it."""
        body = urlencode({**fields, "csrfmiddlewaretoken": TOKEN}).encode()
        return self.ask("POST", path, body, Content_Type=FORM)

    def upload(self, path: str, data: bytes, **fields: str) -> Answer:
        """A form with a file."""
        return self.ask(
            "POST", path, multipart(data, fields), Content_Type=f"multipart/form-data; boundary={BOUNDARY}"
        )

    def close(self) -> None:
        if self.web is not None:
            self.web.close()
            self.web = None

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        if self.web is None:
            self.web = self._connection()
        self.web.request(method, path, body, headers)
        answer = self.web.getresponse()
        data = answer.read()
        if answer.will_close:
            self.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, data)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.address
        source = (self.source, 0)
        if self.context is None:
            return http.client.HTTPConnection(host, port, timeout=PATIENCE, source_address=source)
        return http.client.HTTPSConnection(
            "localhost", port, timeout=PATIENCE, source_address=source, context=self.context
        )


def multipart(data: bytes, fields: dict[str, str]) -> bytes:
    """RFC 7578: `data` as the field `file`, and the fields."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {**fields, "csrfmiddlewaretoken": TOKEN}.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="device.csr"\r\n'
    return b"".join([*parts, head.encode(), b"\r\n", data, f"\r\n--{BOUNDARY}--\r\n".encode()])


def portal(running: Running, session: str = "") -> Line:
    """A browser at the portal; `session` is the cookie of somebody who is signed in."""
    cookies = f"__Host-latchkey-csrf={TOKEN}" + (f"; __Host-latchkey={session}" if session else "")
    headers = {"Cookie": cookies, "Origin": f"https://localhost:{running.address[1]}"}
    return Line(running.address, running.context(), headers=headers)


def status(running: Running, source: str = "127.0.0.1") -> Line:
    host, _, port = running.env["LATCHKEY_STATUS_BIND"].rpartition(":")
    return Line((host, int(port)), source=source)


def holder(running: Running, address: tuple[str, int], device: Path | None, cookie: str) -> Line:
    """A phone at the door or at the check face."""
    context = running.context()
    if device is not None:
        context.load_cert_chain(device)
    headers = {"Cookie": f"{cookie}={TOKEN}", "Origin": f"https://localhost:{address[1]}"}
    return Line(address, context, headers=headers)


def door(running: Running, device: Path) -> Line:
    return holder(running, running.door_address, device, "__Host-latchkey-door")


def check(running: Running, device: Path | None) -> Line:
    return holder(running, running.check_address, device, "__Host-latchkey-check")
