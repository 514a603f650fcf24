"""The gate: one source for the certificate, and silence for whoever has none."""

import logging
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import OperationalError
from pytest_django import Settings

from audit.models import AuditEvent
from door import gate
from pki.errors import CertificateRejected
from tests.portal.door_clients import foreign_ca, make_leaf

LEAF = make_leaf(foreign_ca("any"), "phone")[0]
DER, PEM = LEAF.public_bytes(Encoding.DER), LEAF.public_bytes(Encoding.PEM).decode()
OTHER = make_leaf(foreign_ca("any"), "other")[0].public_bytes(Encoding.PEM).decode()


class Channel:
    """The socket of a connection whose TLS ended here."""

    def __init__(self, der: bytes | None) -> None:
        self.der = der
        self.ours, self.theirs = socket.socketpair()

    def fileno(self) -> int:
        return self.ours.fileno()

    def getpeercert(self, binary: bool) -> bytes | None:
        assert binary
        return self.der


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every certificate is live; notes which were asked about."""
    found: list[bytes] = []

    def holder_of(der: bytes) -> Any:
        found.append(der)
        return f"holder of {len(der)}"

    monkeypatch.setattr(gate, "holder_of", holder_of)
    monkeypatch.setattr(gate, "close_old_connections", lambda: None)
    return found


def enter(channel: object, **more: str) -> dict[str, Any]:
    """A request; gives the environ as the application saw it. StopIteration: it never did."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        seen.update(environ)
        return []

    environ = {
        "gunicorn.socket": channel,
        "REQUEST_METHOD": "GET",
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.url_scheme": "http",
        **more,
    }
    gate.HoldersOnly(app)(environ, lambda *_: None)  # type: ignore[arg-type]
    return seen


def test_in_process_it_is_the_tls_connections_certificate_and_no_header(asked: list[bytes]) -> None:
    seen = enter(Channel(DER), HTTP_X_LATCHKEY_CLIENT_CERT=quote(OTHER), HTTP_X_REAL_IP="203.0.113.5")
    assert asked == [DER]
    assert seen["latchkey.holder"] == f"holder of {len(DER)}"
    assert seen["REMOTE_ADDR"] == "192.0.2.7"
    assert not {gate.CERTIFICATE, gate.ADDRESS} & set(seen)


def unfinished() -> ssl.SSLObject:
    """A connection whose handshake did not end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)


@pytest.mark.parametrize("channel", [Channel(None), Channel(b""), object(), unfinished()])
def test_in_process_nobody_without_one_gets_in_with_a_header(asked: list[bytes], channel: object) -> None:
    with pytest.raises(StopIteration):
        enter(channel, HTTP_X_LATCHKEY_CLIENT_CERT=quote(PEM))
    assert asked == []


def test_behind_a_proxy_it_is_the_header(asked: list[bytes], settings: Settings) -> None:
    settings.DOOR_SOCKET = Path("/run/door.sock")
    seen = enter(object(), HTTP_X_LATCHKEY_CLIENT_CERT=quote(PEM), HTTP_X_REAL_IP="::ffff:203.0.113.5")
    assert asked == [DER]
    assert (seen["wsgi.url_scheme"], seen["REMOTE_ADDR"]) == ("https", "203.0.113.5")
    assert enter(object(), HTTP_X_LATCHKEY_CLIENT_CERT=quote(PEM))["REMOTE_ADDR"] == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "(null)",
        PEM + OTHER,
        f"{PEM},{PEM}",
        OTHER + PEM,
        f" {PEM}",
        f"{PEM}\n\n",
        PEM.replace("\n", "\r\n"),
        PEM.replace("CERTIFICATE", "X509 CRL"),
        PEM.replace("MII", "M!I", 1),
        PEM.replace("-----BEGIN", "x-----BEGIN"),
        "-----BEGIN CERTIFICATE-----\n===\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n",
    ],
)
def test_behind_a_proxy_anything_but_one_certificate_is_none(
    asked: list[bytes], settings: Settings, text: str
) -> None:
    settings.DOOR_SOCKET = Path("/run/door.sock")
    with pytest.raises(StopIteration):
        enter(Channel(DER), HTTP_X_LATCHKEY_CLIENT_CERT=quote(text))
    assert asked == []


def test_a_database_that_does_not_answer_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch, asked: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(der: bytes) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(gate, "holder_of", broken)
    with pytest.raises(StopIteration):
        enter(Channel(DER))
    assert "the door refuses everybody" in caplog.text


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch, asked: list[bytes]) -> list[CertificateRejected]:
    """What is refused next."""
    queue: list[CertificateRejected] = []

    def holder_of(der: bytes) -> None:
        raise queue[0]

    monkeypatch.setattr(gate, "holder_of", holder_of)
    monkeypatch.setattr(gate._Said, "at", {})
    return queue


def test_of_ours_one_line_in_ten_minutes_of_strangers_none(
    refusing: list[CertificateRejected], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(gate.time, "monotonic", lambda: now)
    for code, lines in (("foreign", 0), ("revoked", 1), ("revoked", 0)):
        caplog.clear()
        refusing[:] = [CertificateRejected("The certificate 'phone' (12) is revoked.", code=code)]
        assert gate.admitted(Channel(DER), "", "192.0.2.7") is None
        assert len(caplog.records) == lines
    now += gate.SELDOM + 1
    gate.admitted(Channel(DER), "", "192.0.2.7")
    assert caplog.messages == ["refused=revoked address=192.0.2.7 The certificate 'phone' (12) is revoked."]


@pytest.mark.django_db(transaction=True)
def test_a_crowd_of_them_cannot_fill_the_disk(
    refusing: list[CertificateRejected], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for number in range(3 * gate.REMEMBERED):
        refusing[:] = [CertificateRejected(f"The certificate {number} is signed by our CA.", code="orphan")]
        gate.admitted(Channel(DER), "", "")
    assert len(caplog.records) == gate.REMEMBERED
    assert AuditEvent.objects.filter(action=gate.ORPHAN).count() == gate.REMEMBERED


def test_nothing_is_done_for_who_has_left(asked: list[bytes]) -> None:
    channel = Channel(DER)
    channel.theirs.sendall(b"what they wanted")
    assert enter(channel, REQUEST_METHOD="POST")["latchkey.holder"]
    channel.theirs.close()
    with pytest.raises(StopIteration):
        enter(channel, REQUEST_METHOD="POST")
    assert enter(channel)["latchkey.holder"], "reading does no harm"
