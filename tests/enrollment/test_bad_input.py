"""Whatever comes in through HTTP: a sentence and 4xx within a second, nothing stored; never a 5xx."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import cryptography_vectors
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from enrollment.models import CertificationRequest, Message
from pki import csr
from pki.errors import CSRRejected
from tests.conftest import make_csr
from tests.enrollment.acts import ask, form
from tests.nasty import NASTY
from tests.pki.bad_csrs import BAD, GOOD

pytestmark = pytest.mark.usefixtures("no_signer")

NEW, INSPECT = "/requests/new", "/requests/inspect"
VECTORS = sorted((Path(cryptography_vectors.__file__).parent / "x509" / "requests").iterdir())


@pytest.fixture
def at_home(browser: Client, alice: User, sign_in: Callable[..., Client]) -> Client:
    return sign_in(browser, alice)


def send(client: Client, data: bytes, address: str = NEW) -> int:
    fields = {**form(b""), "file": SimpleUploadedFile("device.csr", data)}
    return client.post(address, fields).status_code


@pytest.mark.parametrize("title", BAD)
def test_a_bad_request_is_refused_in_time_and_nothing_is_stored(at_home: Client, title: str) -> None:
    data = BAD[title]()
    began = time.monotonic()
    assert 400 <= send(at_home, data) < 500
    assert time.monotonic() - began < 1
    assert not CertificationRequest.objects.exists()


@pytest.mark.parametrize("title", GOOD)
def test_an_odd_but_good_request_can_be_sent_and_looked_at(
    at_home: Client, alice: User, bob: User, sign_in: Callable[..., Client], title: str
) -> None:
    assert send(at_home, GOOD[title]()) == 302
    request = CertificationRequest.objects.get()
    assert at_home.get(f"/requests/{request.pk}").status_code == 200
    assert sign_in(at_home, bob).get(f"/queue/{request.pk}").status_code == 200


def test_the_public_vectors_are_answered(at_home: Client) -> None:
    wrong = []
    for path in VECTORS:
        try:
            csr.parse(path.read_bytes())
        except CSRRejected:
            wanted = 422
        else:
            wanted = 200
        if send(at_home, path.read_bytes(), INSPECT) != wanted:
            wrong.append(path.name)
    assert len(VECTORS) > 20 and not wrong


def test_a_million_begin_lines_are_too_big(at_home: Client) -> None:
    began = time.monotonic()
    lines = b"-----BEGIN CERTIFICATE REQUEST-----\n" * 1_000_000
    made = time.monotonic()
    assert send(at_home, lines) == 413
    assert time.monotonic() - made < 1 + (made - began) * 20  # the client's own part grows with the file


def test_a_hundred_megabytes_are_refused_before_they_are_read(at_home: Client) -> None:
    kind = "multipart/form-data; boundary=x"
    answer = at_home.generic("POST", NEW, b"--x", kind, CONTENT_LENGTH=str(100 << 20))
    assert answer.status_code == 413 and "too big" in answer.content.decode()


def as_sent(text: str) -> str:
    """What a browser makes of it: no lone surrogates."""
    return text.encode("utf-8", "replace").decode()


@pytest.mark.slow
def test_a_nasty_name_is_stored_clean_or_not_at_all(at_home: Client) -> None:
    for text in map(as_sent, NASTY):
        assert at_home.post(NEW, form(make_csr(), device=text)).status_code in (302, 422), ascii(text)
    for request in CertificationRequest.objects.all():
        assert request.device.isprintable() and request.common_name.isprintable()
        assert at_home.get(f"/requests/{request.pk}").status_code == 200
    assert at_home.get("/requests/").status_code == 200


@pytest.mark.slow
def test_a_nasty_note_or_message_breaks_no_page(
    at_home: Client, alice: User, bob: User, sign_in: Callable[..., Client]
) -> None:
    for text in map(as_sent, NASTY):
        assert at_home.post(NEW, form(make_csr(), note=text)).status_code in (302, 422), ascii(text)
    request, desk = ask(alice), sign_in(at_home, bob)
    for text in map(as_sent, NASTY):
        said = desk.post(f"/queue/{request.pk}/decide", {"action": "ask", "text": text})
        assert said.status_code in (302, 422), ascii(text)
        assert desk.get("/queue/", {"q": text}).status_code == 200, ascii(text)
    for item in CertificationRequest.objects.all():
        page = desk.get(f"/queue/{item.pk}").content.decode()
        assert "<script>" not in page and "\0" not in page
    assert Message.objects.count() > 50


@pytest.mark.slow
def test_mutations_of_good_ones_never_break_the_page(at_home: Client) -> None:
    rng = random.Random(2986)
    good = [csr.parse(make_csr()).der, csr.parse(GOOD[next(iter(GOOD))]()).der]
    for _ in range(800):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        assert send(at_home, bytes(data), INSPECT) in (200, 422)
