"""Taking the certificate: what real openssl says of every form of it, and who may."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.test.client import Client as Browser

from accounts.models import User
from audit.models import AuditEvent
from enrollment import ra
from enrollment.models import CertificationRequest, Status
from pki import authorities
from tests.enrollment.acts import HERE, ask

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("signer")]


def openssl(*words: object, content: bytes = b"") -> str:
    done = subprocess.run(["openssl", *map(str, words)], input=content, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode()


@pytest.fixture
def issued(alice: User, bob: User) -> CertificationRequest:
    return ra.approve(request=ask(alice, "Älice's “phone”/../x"), by=bob, address=HERE)


@pytest.fixture
def at_home(
    issued: CertificationRequest, alice: User, browser: Browser, sign_in: Callable[..., Client]
) -> Client:
    return sign_in(browser, alice)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_bytes(authorities.pem(authorities.chain("clients")[1]))
    return path


@pytest.mark.parametrize(
    ("form", "media_type", "ending"),
    [
        ("pem", "application/x-pem-file", ".pem"),
        ("chain.pem", "application/pem-certificate-chain", "-chain.pem"),
        ("cer", "application/pkix-cert", ".cer"),
        ("p7b", "application/x-pkcs7-certificates", ".p7b"),
    ],
)
def test_openssl_reads_every_form_and_the_name_is_ours(
    at_home: Client, issued: CertificationRequest, form: str, media_type: str, ending: str
) -> None:
    answer = at_home.get(f"/requests/{issued.pk}/certificate.{form}")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == media_type
    name = f"alices-alices-phone-x{ending}"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    read = {
        "pem": ("x509", "-noout", "-serial"),
        "chain.pem": ("x509", "-noout", "-serial"),
        "cer": ("x509", "-inform", "DER", "-noout", "-serial"),
        "p7b": ("pkcs7", "-inform", "DER", "-print_certs", "-text", "-noout"),
    }[form]
    assert issued.certificate is not None
    shown = openssl(*read, content=answer.content).replace(":", "").replace(" ", "").lower()
    assert issued.certificate.serial in shown
    line = AuditEvent.objects.get(action="certificate.downloaded")
    assert (line.actor, line.detail["form"]) == ("alice", form)


def test_openssl_verifies_the_chain_for_a_client_and_not_for_a_server(
    at_home: Client, issued: CertificationRequest, root: Path, tmp_path: Path
) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(at_home.get(f"/requests/{issued.pk}/certificate.chain.pem").content)
    assert chain.read_text().count("BEGIN CERTIFICATE") == 2
    verify = ("verify", "-x509_strict", "-CAfile", root, "-untrusted", chain)
    assert "OK" in openssl(*verify, "-purpose", "sslclient", chain)
    assert "OK" not in openssl(*verify, "-purpose", "sslserver", chain).replace("sslserver", "")


def test_the_pkcs7_holds_leaf_issuer_and_root(at_home: Client, issued: CertificationRequest) -> None:
    answer = at_home.get(f"/requests/{issued.pk}/certificate.p7b")
    shown = openssl("pkcs7", "-inform", "DER", "-print_certs", content=answer.content)
    assert shown.count("BEGIN CERTIFICATE") == 3


def test_only_the_owner_downloads(
    issued: CertificationRequest, charlie: User, bob: User, browser: Client, sign_in: Callable[..., Client]
) -> None:
    for somebody in (charlie, bob):
        client = sign_in(browser, somebody)
        assert client.get(f"/requests/{issued.pk}/certificate.pem").status_code == 404
    assert not AuditEvent.objects.filter(action="certificate.downloaded").exists()


@pytest.mark.parametrize("form", ["p12", "key", "pem.exe", "PEM"])
def test_other_forms_are_not_there(at_home: Client, issued: CertificationRequest, form: str) -> None:
    assert at_home.get(f"/requests/{issued.pk}/certificate.{form}").status_code == 404


def test_nothing_is_downloaded_before_it_is_issued(at_home: Client, alice: User) -> None:
    waiting = ask(alice, "tablet")
    assert waiting.status == Status.PENDING
    assert at_home.get(f"/requests/{waiting.pk}/certificate.pem").status_code == 404


def test_the_page_says_the_next_step_and_shows_the_way_to_the_phone(
    at_home: Client, issued: CertificationRequest
) -> None:
    page = at_home.get(f"/requests/{issued.pk}").content.decode()
    for word in (
        "Windows",
        "macOS",
        "Linux",
        "Firefox",
        "OpenSSL",
        "-legacy",
        "alices-alices-phone-x-chain.pem",
    ):
        assert word in page
    picture = at_home.get(f"/requests/{issued.pk}/qr")
    assert picture.headers["Content-Type"] == "image/svg+xml" and b"<svg" in picture.content
    assert b"style=" not in picture.content and b"<script" not in picture.content


def test_who_got_a_certificate_for_a_browser_is_told_where_the_doors_are(
    at_home: Client, issued: CertificationRequest
) -> None:
    assert f'href="{settings.DOOR_URL}"' in at_home.get(f"/requests/{issued.pk}").content.decode()


def test_a_program_s_certificate_is_not_joined_with_its_key(
    at_home: Client, issued: CertificationRequest, alice: User, bob: User
) -> None:
    other = ra.approve(request=ask(alice, "sensor", profile="mqtt-client"), by=bob, address=HERE)
    page = at_home.get(f"/requests/{other.pk}").content.decode()
    assert "device.key" in page
    assert "pkcs12" not in page and settings.DOOR_URL not in page
