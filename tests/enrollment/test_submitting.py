"""The submit page: paste, choose a file, look, send; what was typed stays."""

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from enrollment import history, ra
from enrollment.models import CertificationRequest, Status
from pki import csr
from pki.words import words
from tests.conftest import make_csr
from tests.enrollment.acts import ask, form

pytestmark = pytest.mark.usefixtures("no_signer")

NEW, INSPECT = "/requests/new", "/requests/inspect"


def der_of(pem: bytes) -> bytes:
    return x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER)


def with_names(*hosts: str) -> bytes:
    """A CSR that asks for host names, and for an organization."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "nas"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bank Inc"),
        ]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False
    )
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def at_home(browser: Client, alice: User, sign_in: Callable[..., Client]) -> Client:
    """alice's browser."""
    return sign_in(browser, alice)


def test_a_pasted_request_waits_for_an_officer(at_home: Client, alice: User) -> None:
    answer = at_home.post(NEW, form(make_csr(), note="my new phone"))
    request = CertificationRequest.objects.get()
    assert answer.status_code == 302 and answer.headers["Location"] == f"/requests/{request.pk}"
    assert (request.owner, request.status, request.device) == (alice, Status.PENDING, "phone")
    assert (request.common_name, request.note, request.address) == (
        "alice's phone",
        "my new phone",
        "127.0.0.1",
    )


@pytest.mark.parametrize("encode", [lambda pem: pem, der_of], ids=["PEM", "DER"])
def test_a_chosen_file_does_as_well(at_home: Client, encode: Callable[[bytes], bytes]) -> None:
    pem = make_csr()
    file = SimpleUploadedFile("alice.csr", encode(pem))
    assert at_home.post(NEW, {**form(b""), "file": file}).status_code == 302
    assert CertificationRequest.objects.get().key_sha256 == csr.parse(pem).key_sha256


def test_a_look_keeps_everything_and_carries_the_file_into_the_text(at_home: Client) -> None:
    pem = make_csr()
    file = SimpleUploadedFile("alice.csr", der_of(pem))
    fields = {**form(b""), "file": file, "show": "1", "note": "for <the> door", "profile": "mqtt-client"}
    answer = at_home.post(NEW, fields)
    text = answer.content.decode()
    assert answer.status_code == 200 and CertificationRequest.objects.count() == 0
    assert pem.decode().strip() in text.replace("\r", "") and "for &lt;the&gt; door" in text
    assert answer.context["form"]["profile"].value() == "mqtt-client"
    for word in words(csr.parse(pem).key_sha256):
        assert f"<li>{word}</li>" in text


def test_a_look_needs_nothing_but_the_request(at_home: Client) -> None:
    answer = at_home.post(NEW, {"csr": make_csr().decode(), "show": "1"})
    assert answer.status_code == 200 and not answer.context["form"].errors


def test_the_preview_says_what_will_not_be_issued(at_home: Client) -> None:
    answer = at_home.post(INSPECT, form(with_names("nas.home.arpa")))
    lines = {line.label: line for line in answer.context["lines"]}
    assert answer.status_code == 200
    assert (lines["Common name"].issued, lines["Common name"].word) == ("alice's phone", "changed")
    assert (lines["Alternative name"].asked, lines["Alternative name"].word) == ("nas.home.arpa", "left out")
    assert (lines["Organization"].asked, lines["Organization"].word) == ("Bank Inc", "changed")
    assert b"<html" not in answer.content


def test_host_names_are_proposed_and_never_taken_silently(at_home: Client) -> None:
    pem = with_names("nas.home.arpa", "NAS.lan", "not a name")
    fields = form(pem, profile="tls-server", device="nas")
    looked = at_home.post(NEW, {**fields, "show": "1"})
    assert looked.context["form"]["names"].value() == "nas.home.arpa\nNAS.lan"
    sent = at_home.post(NEW, fields)
    assert sent.status_code == 422 and "check them" in sent.context["form"].errors["names"][0]
    assert sent.context["form"]["names"].value() == "nas.home.arpa\nNAS.lan"
    assert CertificationRequest.objects.count() == 0
    at_home.post(NEW, {**fields, "names": "nas.home.arpa"})
    request = CertificationRequest.objects.get()
    assert (request.sans, request.common_name) == (["dns:nas.home.arpa"], "nas.home.arpa")


def test_a_server_without_any_name_is_asked_for_one(at_home: Client) -> None:
    answer = at_home.post(NEW, form(make_csr(), profile="mqtt-broker", device="broker"))
    assert answer.status_code == 422
    assert "nas.home.arpa" in answer.context["form"].errors["names"][0]


@pytest.mark.parametrize("name", ["under_score..x", "a b/c", "-", "x" * 300, "*", "http://nas"])
def test_a_host_name_that_is_none_is_explained_and_kept(at_home: Client, name: str) -> None:
    answer = at_home.post(NEW, form(make_csr(), profile="tls-server", device="nas", names=name))
    assert answer.status_code == 422 and answer.context["form"].errors["names"]
    assert answer.context["form"]["names"].value() == name
    assert CertificationRequest.objects.count() == 0


def test_more_host_names_than_a_certificate_takes_are_counted_not_looked_at(at_home: Client) -> None:
    names = ",".join(f"{number}.lan" for number in range(101))
    answer = at_home.post(NEW, form(make_csr(), profile="tls-server", device="nas", names=names))
    assert answer.status_code == 422
    assert "101 host names; one certificate has at most 100" in answer.content.decode()


@pytest.mark.parametrize(
    ("profile", "device", "common_name"),
    [
        ("tls-client", "Alice's  phone", "alice's phone"),
        ("tls-client", "Telefon von Älice", "alice's Telefon von Älice"),
        ("mqtt-client", "Sensor Küche 2", "sensor-kuche-2"),
        ("mqtt-client", "光", "alice-device"),
    ],
)
def test_the_common_name_comes_from_the_account(
    at_home: Client, profile: str, device: str, common_name: str
) -> None:
    at_home.post(NEW, form(make_csr("root"), profile=profile, device=device))
    assert CertificationRequest.objects.get().common_name == common_name


@pytest.mark.parametrize("device", ["", "   ", "a\u202eb", "a\nb\x07", "x" * 200, "---", "p\u0430ypal"])
def test_a_device_name_that_will_not_do_is_explained_and_kept(at_home: Client, device: str) -> None:
    pem = make_csr()
    answer = at_home.post(NEW, form(pem, device=device, note="keep me"))
    assert answer.status_code == 422 and answer.context["form"].errors["device"]
    assert answer.context["form"]["device"].value() == device
    assert pem.decode().strip() in answer.content.decode().replace("\r", "")
    assert "keep me" in answer.content.decode()
    assert CertificationRequest.objects.count() == 0


def private_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


@pytest.mark.parametrize("address", [NEW, INSPECT])
@pytest.mark.parametrize("before", [b"", make_csr()], ids=["alone", "after a request"])
def test_a_private_key_is_never_sent_back_stored_or_logged(
    at_home: Client, caplog: pytest.LogCaptureFixture, address: str, before: bytes
) -> None:
    key = private_key()
    secret = key.splitlines()[1].decode()
    pasted = at_home.post(address, form(before + key))
    chosen = at_home.post(address, {**form(b""), "file": SimpleUploadedFile("x.pem", before + key)})
    for answer in (pasted, chosen):
        assert answer.status_code == 422
        assert "private key" in answer.content.decode()
        assert secret not in answer.content.decode()
    assert secret not in caplog.text
    assert CertificationRequest.objects.count() == 0


def test_a_refusal_shows_the_commands_for_the_way_out(at_home: Client) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(weak, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    answer = at_home.post(NEW, form(pem))
    text = answer.content.decode()
    assert answer.status_code == 422 and "2048" in text
    assert "openssl req -new" in text and '<details class="more" open' in text
    assert pem.decode().strip() in text.replace("\r", "")


@pytest.mark.parametrize(
    "pasted", ["", "hello", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA", "\x00", "0\x82\x01"]
)
def test_what_is_no_request_is_explained_and_kept(at_home: Client, pasted: str) -> None:
    for address in (NEW, INSPECT):
        answer = at_home.post(address, {**form(b""), "csr": pasted})
        assert answer.status_code == 422 and answer.context["form"].errors["csr"]
    assert CertificationRequest.objects.count() == 0


def test_an_empty_file_is_explained(at_home: Client) -> None:
    answer = at_home.post(INSPECT, {**form(b""), "file": SimpleUploadedFile("x.csr", b"")})
    assert answer.status_code == 422 and b"empty" in answer.content


def test_the_same_key_twice_is_told_before_anything_is_stored(at_home: Client) -> None:
    pem = make_csr()
    at_home.post(NEW, form(pem))
    answer = at_home.post(NEW, form(pem, device="tablet"))
    assert answer.status_code == 422
    assert "asked for this key already" in answer.content.decode()
    assert answer.context["form"]["device"].value() == "tablet"
    assert CertificationRequest.objects.count() == 1


def test_of_one_person_twenty_requests_may_wait_and_the_next_is_told_the_way_out(
    at_home: Client, alice: User
) -> None:
    waiting = [ask(alice) for _ in range(history.WAITING_EACH)]
    sent = form(make_csr(), device="one too many")
    refused = at_home.post("/requests/new", sent)
    page = refused.content.decode()
    assert refused.status_code == 422 and "20 of your requests wait already" in page
    assert "Withdraw one" in page and "one too many" in page
    ra.withdraw(request=waiting[0], by=alice, address="")
    assert at_home.post("/requests/new", sent).status_code == 302


def test_an_unknown_purpose_is_refused(at_home: Client) -> None:
    answer = at_home.post(NEW, form(make_csr(), profile="root-ca"))
    assert answer.status_code == 422 and answer.context["form"].errors["profile"]
