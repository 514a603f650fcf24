"""One CRL of one CA (RFC 5280 5): numbered, built, signed, compared."""

import time
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki import builder
from pki.errors import SignerUnavailable
from pki.signer.authorities import BACKDATED
from pki.signer.journal import Journal
from pki.signer.keys import Issuer

CRL_DAYS = 7
DAY = 86400  # seconds


def make(issuer: Issuer, journal: Journal, audit_head: bytes) -> bytes:
    """A new complete CRL of `issuer`, DER. `audit_head` is 32 bytes. Raises SignerUnavailable."""
    now = int(time.time())
    with journal.lock:  # so that of two CRLs the one with the higher number knows at least as much
        number, this_update = _reserve(issuer, journal)
        # An expired certificate stays for a day more, so that it was on a CRL after its end (RFC 5280 3.3).
        lines = journal.revoked(issuer.id, now - DAY)
    entries = [
        builder.Revoked(int(serial, 16), datetime.fromtimestamp(at, UTC), reason)
        for serial, at, reason in lines
    ]
    validity = (
        datetime.fromtimestamp(this_update, UTC),
        datetime.fromtimestamp(now, UTC) + timedelta(days=CRL_DAYS),
    )
    tbs = builder.rehearse_crl(issuer.certificate, entries, number, validity, audit_head).tbs_certlist_bytes
    der = builder.assemble(tbs, issuer.sign_tbs(tbs))
    _compare(der, tbs, issuer)
    return der


def _reserve(issuer: Issuer, journal: Journal) -> tuple[int, int]:
    """CRL number and thisUpdate (seconds), durably: both only grow, also after a backup was restored.

    OpenSSL keeps the older of two CRLs of the same second, and refuses everybody on one from the future.
    """
    number, this_update = journal.last_crl(issuer.id)
    clock = time.time_ns()
    now = clock // 10**9
    number = max(clock, number + 1)
    this_update = max(now - int(BACKDATED.total_seconds()), this_update + 1)
    if this_update > now:
        raise SignerUnavailable(
            "The last CRL is from the future: this machine's clock was put back.",
            code="clock",
            remedy="Set the clock. The list is made as soon as the time of the last one has passed.",
        )
    journal.number_crl(issuer.id, number, this_update)
    return number, this_update


def _compare(der: bytes, tbs: bytes, issuer: Issuer) -> None:
    crl = x509.load_der_x509_crl(der)
    public = issuer.certificate.public_key()
    right = isinstance(public, ec.EllipticCurvePublicKey) and crl.is_signature_valid(public)
    if crl.tbs_certlist_bytes != tbs or not right:
        raise SignerUnavailable("The signed CRL is not the one that was built.", code="compare")
