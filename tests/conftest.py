"""The cast, and the real programs the tests talk to.

alice asks, charlie is another requester, bob is the officer, erin audits, dora administers; mallory is
nobody.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.client import ClientHandler
from django.utils import translation
from django_otp.oath import hotp

from accounts import sessions, timecodes, totp
from accounts.models import TotpDevice, User

# What a shell starts in the background ignores SIGINT, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: one worker alone with them at the end would keep everybody waiting."""
    items.sort(key=lambda item: "test_on_postgresql" not in item.nodeid)


@pytest.fixture(autouse=True)
def each_test_begins_in_english() -> Iterator[None]:
    """A request says which language its thread speaks from then on."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def signer() -> Iterator[Path]:
    """A real signer process over the tests' data folder; gives its socket."""
    command = [sys.executable, "-m", "pki.signer", "--home", settings.SIGNER_DIR]
    command += ["--socket", settings.SIGNER_SOCKET, "--hosts", " ".join(settings.HOSTS)]
    command += ["--status-url", settings.STATUS_URL, "--label", "tests"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield settings.SIGNER_SOCKET
        process.terminate()


def make_csr(common_name: str = "whatever", key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """A P-256 CSR in PEM, made by cryptography."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def csr() -> Callable[..., bytes]:
    return make_csr


@cache
def handler_of(middleware: tuple[str, ...]) -> ClientHandler:
    """One for all browsers with these settings: the middleware is loaded once, not for every visitor."""
    del middleware
    return ClientHandler(enforce_csrf_checks=False)


class Browser(Client):
    """Django's test client as a browser over https: our cookies are `__Host-` ones."""

    def __init__(self, enforce_csrf_checks: bool = False, **defaults: object) -> None:
        super().__init__(enforce_csrf_checks=enforce_csrf_checks, **defaults)
        if not enforce_csrf_checks:
            self.handler = handler_of(tuple(settings.MIDDLEWARE))

    def request(self, **request: object) -> HttpResponse:
        return super().request(**{**request, "wsgi.url_scheme": "https", "SERVER_PORT": "443"})


@pytest.fixture
def browser() -> Browser:
    return Browser()


def app_of(user: User) -> TotpDevice:
    """The person's TOTP app, enrolled if there is none yet."""
    return TotpDevice.objects.filter(user=user).first() or totp.enrol(user)


def next_code(user: User) -> str:
    """A code that the person's app shows and that was not used yet (within the tolerance of one step)."""
    device = app_of(user)
    now = int(time.time()) // timecodes.STEP
    step = max(now, device.last_step + 1)
    assert step <= now + timecodes.TOLERANCE, "no unused code left: call forget_codes(user) first"
    return f"{hotp(device.secret, step):06d}"


def let_time_pass(user: User) -> None:
    """As if half a minute had gone by: the codes that were used count as long ago, and nobody has to wait."""
    fresh = {"last_step": -1, "throttling_failure_count": 0, "throttling_failure_timestamp": None}
    TotpDevice.objects.filter(user=user).update(**fresh)


def open_session(client: Client, user: User, *, fresh: bool = True) -> Client:
    """A verified session, as a login leaves it; with `fresh=False` the login was over five minutes ago."""
    client.cookies.clear()
    request = HttpRequest()
    request.user = user  # as the middleware does: without it nothing is remembered of the second factor
    request.session = client.session
    sessions.begin(request, user, app_of(user))
    if not fresh:
        request.session["fresh_at"] = time.time() - 301
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client


@pytest.fixture
def totp_device() -> Callable[[User], TotpDevice]:
    return app_of


@pytest.fixture
def code_for() -> Callable[[User], str]:
    return next_code


@pytest.fixture
def forget_codes() -> Callable[[User], None]:
    return let_time_pass


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    """`sign_in(browser, alice)`, or `sign_in(browser, bob, fresh=False)`."""
    return open_session


def person(username: str, **roles: bool) -> User:
    return User.objects.create_user(username, "correct horse battery", full_name=username.title(), **roles)


@pytest.fixture
def alice(db: None) -> User:
    return person("alice", is_requester=True)


@pytest.fixture
def charlie(db: None) -> User:
    return person("charlie", is_requester=True)


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", is_officer=True)


@pytest.fixture
def erin(db: None) -> User:
    return person("erin", is_auditor=True)


@pytest.fixture
def dora(db: None) -> User:
    return person("dora", is_administrator=True)
