"""The funnel: the web side's only way to a certificate."""

import hashlib
from collections.abc import Callable

from cryptography import x509
from django.conf import settings
from django.db import IntegrityError, transaction

from pki import addresses, csr, search_words
from pki.errors import IssuanceRefused
from pki.models import Certificate, CertificateWord, JournalPosition
from pki.profiles import EVERY
from pki.signer import client
from pki.signer.protocol import IssuanceRequest


def issue(request: IssuanceRequest, also: Callable[[Certificate], None] | None = None) -> Certificate:
    """The certificate for `request`, made by the signer and stored. Repeating it returns the same one.

    `also` is what the caller writes in the same transaction as the certificate: both are there, or neither.
    Never call it inside a transaction: it waits for another process. Raises SignerUnavailable (ask again
    later), IssuanceRefused (asking again will not help), and what `also` raises.
    """
    while True:
        known = Certificate.objects.filter(request_id=request.request_id).first()
        here = JournalPosition.current()
        der = client.issue(settings.SIGNER_SOCKET, request) if known is None else b""
        # durable: a caller who holds a transaction open while the signer works fails loudly here.
        with transaction.atomic(durable=True):
            # A revocation that was taken over since then had no row here: the signer, asked again, refuses.
            if known is None and not here.is_current():
                continue
            certificate = known or _store(request, der)
            if also is not None:
                also(certificate)
        return certificate


def _store(request: IssuanceRequest, der: bytes) -> Certificate:
    leaf = x509.load_der_x509_certificate(der)
    asked = x509.load_der_x509_csr(request.csr)
    if csr.key_digest(leaf.public_key()) != csr.key_digest(asked.public_key()):
        raise IssuanceRefused("The signer answered with a certificate for another key.", code="other-key")
    fields = _fields(request, leaf, der)
    try:
        with transaction.atomic():
            found = Certificate.objects.create(request_id=request.request_id, **fields)
            words = search_words.of(found.subject, found.sans)
            CertificateWord.objects.bulk_create(
                CertificateWord(certificate=found, word=word.encode()) for word in words
            )
    except IntegrityError:  # whoever asked at the same time was faster
        return Certificate.objects.get(request_id=request.request_id)
    return found


def _fields(request: IssuanceRequest, leaf: x509.Certificate, der: bytes) -> dict[str, object]:
    """The row's columns: what the certificate says, and whom the request was for."""
    return {
        "owner": request.owner,
        "authority": EVERY[request.profile].authority,
        "profile": request.profile,
        "serial": f"{leaf.serial_number:x}",
        "fingerprint": hashlib.sha256(der).hexdigest(),
        "key_sha256": csr.key_digest(leaf.public_key()),
        "subject": request.common_name,
        "sans": list(request.sans),
        "der": der,
        "not_before": leaf.not_valid_before_utc,
        "not_after": leaf.not_valid_after_utc,
        "status_url": addresses.of(leaf),
    }
