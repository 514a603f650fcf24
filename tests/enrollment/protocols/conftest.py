"""The status face with SCEP's certificate, and phones that talk to it."""

import base64
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from enrollment.protocols import scep_limits, scep_ra
from pki import authorities, scep
from portal import services
from tests.pki.scep_client import Phone, Reply

WHERE = "/scep/clients"


@pytest.fixture
def registrar(signer: Path, transactional_db: None, settings: Settings) -> scep.Ra:
    """The RA with a certificate, and the status face's URLs."""
    settings.ROOT_URLCONF, settings.MIDDLEWARE = "portal.urls_status", settings.STATUS_MIDDLEWARE
    services.renew_scep()
    return scep_ra.ra()


class Face:
    """The status face as SCEP clients see it."""

    def __init__(self) -> None:
        self.client = Client()

    def post(self, data: bytes) -> HttpResponse:
        return self.client.post(f"{WHERE}?operation=PKIOperation", data, "application/x-pki-message")

    def get(self, operation: str, message: str = "") -> HttpResponse:
        return self.client.get(f"{WHERE}?operation={operation}&message={message}")

    def asks(self, phone: Phone, sent: bytes) -> Reply:
        """What the phone reads in the answer, when it is a good one."""
        answer = self.post(sent)
        assert answer.status_code == 200, answer.content
        assert answer.headers["Content-Type"] == "application/x-pki-message"
        return phone.read(answer.content)

    def asks_by_get(self, phone: Phone, sent: bytes) -> Reply:
        return phone.read(self.get("PKIOperation", quote(base64.b64encode(sent))).content)


@pytest.fixture
def face(registrar: scep.Ra) -> Face:
    return Face()


@pytest.fixture
def phone(registrar: scep.Ra) -> Callable[..., Phone]:
    """A phone of this name. Its key is this test's: the signer remembers whose each key is."""
    mark = uuid.uuid4().hex
    return lambda name="phone", **more: Phone(registrar.certificate, name=f"{name} {mark}", **more)


@pytest.fixture
def issuing(registrar: scep.Ra) -> x509.Certificate:
    return x509.load_der_x509_certificate(authorities.chain("clients")[0])


@pytest.fixture(autouse=True)
def fresh_limits(monkeypatch: pytest.MonkeyPatch) -> scep_limits.Limits:
    """Nobody has asked in vain yet."""
    fresh = scep_limits.Limits()
    monkeypatch.setattr(scep_limits, "limits", fresh)
    return fresh
