"""Somebody who talks to the real portal over TLS without a browser."""

import base64
import contextlib
import http.client
import json
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from django_otp.oath import totp

from tests.portal.running import Running

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Visitor:
    running: Running
    cookies: SimpleCookie = field(default_factory=SimpleCookie)
    source: str = "127.0.0.1"  # the address it comes from

    def headers(self) -> dict[str, str]:
        """What a browser sends with a form of ours."""
        here = f"localhost:{self.running.address[1]}"
        sent = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        return {"Host": here, "Origin": f"https://{here}", "Cookie": sent}

    def head(self, method: str, path: str, **more: str) -> bytes:
        """The beginning of a request as bytes, for whoever wants to spoil the rest."""
        named = {name.replace("_", "-"): value for name, value in more.items()}
        lines = [f"{name}: {value}" for name, value in {**self.headers(), **named}.items()]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        """One request on a connection of its own; cookies are kept."""
        headers = {**self.headers(), **(FORM if body is not None else {})}
        connection = http.client.HTTPSConnection(
            "localhost",
            self.running.address[1],
            context=self.running.context(),
            timeout=10,
            source_address=(self.source, 0),
        )
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                self.cookies.load(line)
            return answer.status, answer.read().decode()

    def token(self, path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask("GET", path)[1])
        assert found is not None
        return found[1]


def signed_in(running: Running) -> Visitor:
    """A requester of the demo's cast."""
    accounts = json.loads((running.data / "credentials.json").read_text())["accounts"]
    account = next(account for account in accounts if account["roles"] == ["requester"])
    (key,) = parse_qs(urlsplit(account["totp_uri"]).query)["secret"]
    code = totp(base64.b32decode(key + "=" * (-len(key) % 8)))
    visitor = Visitor(running)
    fields = {name: account[name] for name in ("username", "password")}
    fields |= {"code": f"{code:06d}", "csrfmiddlewaretoken": visitor.token("/login")}
    status, page = visitor.ask("POST", "/login", urlencode(fields))
    assert status == 302, page
    return visitor
