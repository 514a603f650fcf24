"""Public and damaged requests by the thousand, through HTTP: an answer to each, never a 5xx."""

import random
from collections import Counter
from importlib.resources import files

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from enrollment.models import CertificationRequest
from pki import csr, objections
from pki.errors import CSRRejected
from tests.conftest import Browser, open_session
from tests.enrollment.acts import form
from tests.enrollment.mutations import mutation

pytestmark = [
    pytest.mark.usefixtures("no_signer"),
    pytest.mark.filterwarnings("ignore:Attribute's length must be"),
]

NEW, INSPECT = "/requests/new", "/requests/inspect"
VECTORS = sorted(
    files("cryptography_vectors").joinpath("x509", "requests").iterdir(), key=lambda path: path.name
)
QUARTER = 5_000


@pytest.fixture
def at_desk(bob: User) -> Client:
    """bob's browser."""
    return open_session(Browser(), bob)


def look(client: Client, data: bytes) -> int:
    return client.post(INSPECT, {"file": SimpleUploadedFile("device.csr", data)}).status_code


def expected(data: bytes) -> int:
    try:
        objections.check(csr.parse(data), lambda san: True)
    except CSRRejected:
        return 422
    return 200


def send_and_read(at_home: Client, at_desk: Client, data: bytes) -> None:
    """A request that parses is stored, and both sides can read it."""
    sent = at_home.post(NEW, {**form(b""), "file": SimpleUploadedFile("device.csr", data)})
    assert sent.status_code == 302
    request = CertificationRequest.objects.get()
    assert at_home.get(f"/requests/{request.pk}").status_code == 200
    assert at_desk.get(f"/queue/{request.pk}").status_code == 200
    request.delete()


@pytest.mark.parametrize("name", [path.name for path in VECTORS])
def test_every_public_vector_is_answered(at_home: Client, at_desk: Client, name: str) -> None:
    data = next(path for path in VECTORS if path.name == name).read_bytes()
    wanted = expected(data)
    assert look(at_home, data) == wanted
    shown = at_home.post(NEW, {**form(b""), "csr": data.decode("latin-1"), "show": "1"})
    assert shown.status_code in (200, 422)
    if wanted == 200:
        send_and_read(at_home, at_desk, data)


def test_there_are_the_public_vectors_we_know_of() -> None:
    found = Counter(expected(path.read_bytes()) for path in VECTORS)
    assert len(VECTORS) >= 26 and found[200] >= 7


def torment(at_home: Client, at_desk: Client, seed: int, times: int) -> Counter[int]:
    """How often which status; one in 25 of the accepted ones is also sent and read."""
    source, found = random.Random(seed), Counter[int]()
    for _ in range(times):
        data = mutation(source)
        status = look(at_home, data)
        assert status in (200, 422), data.hex()
        found[status] += 1
        if status == 200 and found[200] % 25 == 0:
            send_and_read(at_home, at_desk, data)
    return found


def test_mutations_of_good_requests_are_answered(at_home: Client, at_desk: Client) -> None:
    found = torment(at_home, at_desk, 2986, 300)
    assert found[200] > 2 and found[422] > 100


@pytest.mark.slow
@pytest.mark.parametrize("quarter", range(4))
def test_twenty_thousand_mutations_are_answered(at_home: Client, at_desk: Client, quarter: int) -> None:
    found = torment(at_home, at_desk, quarter, QUARTER)
    assert found[200] > QUARTER // 100 and found[422] > QUARTER // 3
