"""The status face's OCSP with the real signer's certificates."""

import uuid
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as pyca
from django.http import HttpResponse
from django.test import Client

from pki import authorities, issuance
from pki.models import Certificate
from portal import services
from tests.pki.ocsp_requests import asked
from tests.pki.orders import order

REQUEST, RESPONSE = "application/ocsp-request", "application/ocsp-response"


def responders() -> None:
    """As housekeeping does."""
    services.renew_ocsp()


def issued(profile: str = "tls-client") -> Certificate:
    return issuance.issue(order(profile, common_name=f"device-{uuid.uuid4()}"))


def loaded(row: Certificate) -> tuple[x509.Certificate, x509.Certificate]:
    """The certificate and its issuer."""
    issuer = authorities.chain(row.authority)[0]
    return x509.load_der_x509_certificate(bytes(row.der)), x509.load_der_x509_certificate(issuer)


def question(row: Certificate, nonce: bytes | None = None) -> bytes:
    return asked(*loaded(row), nonce)


def post(data: bytes, authority: str = "clients", media_type: str = REQUEST) -> HttpResponse:
    return Client().post(f"/ocsp/{authority}", data, content_type=media_type)


def said(answer: HttpResponse) -> pyca.OCSPResponse:
    assert answer.status_code == 200 and answer["Content-Type"] == RESPONSE
    return pyca.load_der_ocsp_response(answer.content)


def status(row: Certificate, nonce: bytes | None = None) -> str:
    """What is said of the certificate: "GOOD", "REVOKED", "UNKNOWN"."""
    return said(post(question(row, nonce), row.authority)).certificate_status.name


def pem(path: Path, *certificates: x509.Certificate | bytes) -> Path:
    """These certificates in one file."""
    content = [c if isinstance(c, bytes) else c.public_bytes(Encoding.PEM) for c in certificates]
    path.write_bytes(b"".join(content))
    return path
