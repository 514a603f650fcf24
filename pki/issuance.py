"""The funnel: the web side's only way to a certificate."""

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import transaction

from pki.errors import IssuanceRefused
from pki.models import Certificate
from pki.profiles import PROFILES
from pki.signer import client
from pki.signer.protocol import IssuanceRequest


def issue(request: IssuanceRequest) -> Certificate:
    """The certificate for `request`, made by the signer and stored. Repeating it returns the same one.

    Never call it inside a transaction: it waits for another process. Raises SignerUnavailable (ask again
    later) and IssuanceRefused (asking again will not help).
    """
    found = Certificate.objects.filter(request_id=request.request_id).first()
    if found is not None:
        return found
    der = client.issue(settings.SIGNER_SOCKET, request)
    return _store(request, der)


def _store(request: IssuanceRequest, der: bytes) -> Certificate:
    leaf = x509.load_der_x509_certificate(der)
    if _key_sha256(leaf) != _key_sha256(x509.load_der_x509_csr(request.csr)):
        raise IssuanceRefused("The signer answered with a certificate for another key.", code="other-key")
    # durable: a caller who holds a transaction open while the signer works fails loudly here.
    with transaction.atomic(durable=True):
        certificate, _ = Certificate.objects.get_or_create(
            request_id=request.request_id, defaults=_fields(request, leaf, der)
        )
    return certificate


def _fields(request: IssuanceRequest, leaf: x509.Certificate, der: bytes) -> dict[str, object]:
    """The row's columns: what the certificate says, and whom the request was for."""
    return {
        "owner": request.owner,
        "authority": PROFILES[request.profile].authority,
        "profile": request.profile,
        "serial": f"{leaf.serial_number:x}",
        "fingerprint": hashlib.sha256(der).hexdigest(),
        "key_sha256": _key_sha256(leaf),
        "subject": request.common_name,
        "sans": list(request.sans),
        "der": der,
        "not_before": leaf.not_valid_before_utc,
        "not_after": leaf.not_valid_after_utc,
    }


def _key_sha256(document: x509.Certificate | x509.CertificateSigningRequest) -> str:
    key = document.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()
