"""Servers that messages go to, real and ours: for mail, and an HTTP endpoint that answers as ntfy does."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.portal.running import free_port

USER, PASSWORD = "latchkey@home.arpa", "s3cret/word"
Answer = Callable[[str], str]


@dataclass
class MailServer:
    """`at` says what it answers at "RCPT" and "DATA" ("" for well), and may do anything before it does."""

    port: int
    letters: list[EmailMessage] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    at: Answer = lambda stage: ""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.at("RCPT")
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        before = self.at("DATA")
        if before:
            return before
        found = message_from_bytes(envelope.content or b"", policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.letters.append(found)
        self.sessions.append(session)
        return self.at("ACCEPTED") or "250 OK"

    @property
    def ids(self) -> list[str]:
        return [str(letter["Message-ID"]) for letter in self.letters]


@contextlib.contextmanager
def mail_server(at: MailServer | None = None, **options: Any) -> Iterator[MailServer]:
    """Listens until the end of the block; `at`: one that was away, at its port, with what it has."""
    served = at or MailServer(free_port())
    controller = Controller(served, hostname="127.0.0.1", port=served.port, **options)
    controller.start()
    try:
        yield served
    finally:
        controller.stop()


def secured(tmp_path: Path, common_name: str = "") -> tuple[dict[str, Any], str]:
    """aiosmtpd's options for STARTTLS and a login, both required; and the certificate to trust, PEM.

    With a `common_name` it names no host but there.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    builder = builder if common_name else builder.add_extension(names, critical=True)
    made = builder.sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    file = tmp_path / "mail.pem"
    shape = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, *shape) + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def known(server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.login == USER.encode()
        right = right and data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False)

    login = {"authenticator": known, "auth_required": True, "auth_require_tls": True}
    return {"tls_context": context, "require_starttls": True, **login}, pem.decode()


@dataclass
class Ntfy:
    """What was published: (topic, title, message), and with which words of HTTP and JSON around it.

    `status` is what it answers.
    """

    url: str
    port: int
    published: list[tuple[str, str, str]] = field(default_factory=list)
    around: list[str] = field(default_factory=list)
    status: int = 200
    at: Callable[[], None] = lambda: None


def own_address() -> str:
    """An address of this machine that is not the loopback: the pusher reaches no other of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but the loopback")
        return str(probe.getsockname()[0])


@contextlib.contextmanager
def ntfy(at: Ntfy | None = None, host: str = "") -> Iterator[Ntfy]:
    host = host or own_address()
    port = at.port if at else free_port()
    known = at or Ntfy(f"ntfy://{host}:{port}/hometopic", port)

    class Handler(BaseHTTPRequestHandler):
        """ntfy's publishing as JSON: POST / with topic, title, message (https://docs.ntfy.sh/publish/)."""

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known.around.append(f"{self.headers} {said}")
            known.at()
            if known.status == 200:
                known.published.append((said["topic"], said.get("title", ""), said["message"]))
            body = json.dumps({"id": "x", "event": "message", **said}).encode()
            self.send_response(known.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            del words

    with ThreadingHTTPServer((host, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield known
        server.shutdown()
