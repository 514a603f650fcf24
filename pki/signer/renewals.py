"""The same certificate again with a new key: live predecessor, nothing changed, proof. Why: see claims.py."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pki import builder, scep
from pki.errors import IssuanceRefused, MessageRejected
from pki.profiles import CLIENT_AUTH, PROFILES
from pki.signer import checks
from pki.signer.claims import CLOCKS
from pki.signer.journal import Issued
from pki.signer.protocol import IssuanceRequest, RenewalEvidence

SAID_WITHIN = timedelta(days=1)  # how old the web side's word may be: as long as a signer may be down
# Addresses of CRL and CA certificate may change: they are ours and move with us.
_KEPT = (x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)


@dataclass(frozen=True)
class Predecessor:
    """A certificate as the journal has it."""

    issued: Issued

    @cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(builder.assemble(self.issued.tbs, self.issued.signature))

    @property
    def lifetime(self) -> timedelta:
        return self.certificate.not_valid_after_utc - self.certificate.not_valid_before_utc


def check(
    request: IssuanceRequest,
    evidence: RenewalEvidence,
    issued: Issued | None,
    leaf: x509.Certificate,
    now: datetime,
) -> None:
    """The rehearsed successor `leaf` may follow what the journal knows as `issued`; or IssuanceRefused."""
    if issued is None:
        raise _refused("This CA never issued the certificate that should be renewed.", "renewal-unknown")
    old = Predecessor(issued)
    _live(old, now)
    _unchanged(request, old, leaf)
    if not PROFILES[request.profile].renews_itself:
        raise _refused("An officer looks at each certificate of this kind.", "renewal-profile")
    match evidence.proof:
        case "signature":
            _signed(old, signed_text(request.csr), _base64(evidence.signed))
        case "scep":
            _asked(old, request.csr, evidence)
        case "mutual-tls":
            _said(request, evidence, old, now)
        case _:
            raise _refused("The signer knows no such proof.", "renewal-proof")


def _refused(sentence: str, code: str) -> IssuanceRefused:
    return IssuanceRefused(sentence, code=code, remedy="Ask for a new certificate, which a person approves.")


def _live(old: Predecessor, now: datetime) -> None:
    """Neither revoked nor on hold, and within its dates."""
    if old.issued.reason:
        raise _refused("The certificate was revoked, or is on hold.", "renewal-revoked")
    if not old.certificate.not_valid_before_utc <= now <= old.certificate.not_valid_after_utc:
        raise _refused("The certificate has expired.", "renewal-expired")


def _unchanged(request: IssuanceRequest, old: Predecessor, leaf: x509.Certificate) -> None:
    """Serial, key and dates are all that differs, and it lasts no longer."""
    same = (request.owner, request.profile) == (old.issued.owner, old.issued.profile)
    if not same or leaf.subject != old.certificate.subject or _uses(leaf) != _uses(old.certificate):
        raise _refused("Only the dates and the key change in a renewal.", "renewal-changed")
    if timedelta(days=request.days, seconds=-1) > old.lifetime:
        raise _refused("A renewed certificate lasts no longer than the one before it.", "renewal-days")


def _uses(certificate: x509.Certificate) -> list[x509.ExtensionType]:
    return [extension.value for extension in certificate.extensions if isinstance(extension.value, _KEPT)]


def signed_text(der: bytes) -> bytes:
    """What the old key signs (SHA-256, PKCS#1 v1.5 with RSA) to renew with the CSR `der`.

    It begins with what it is for: no signature that the key makes elsewhere, in TLS for instance, is one.
    """
    return b"latchkey renewal " + hashlib.sha256(der).hexdigest().encode()


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("The proof is not base64.", "renewal-proof") from None


def _signed(old: Predecessor, text: bytes, signature: bytes) -> None:
    key = old.certificate.public_key()
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePublicKey():
                key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, text)
            case _:
                raise InvalidSignature
    except InvalidSignature:
        raise _refused("The old key did not sign this renewal.", "renewal-proof") from None


def _asked(old: Predecessor, der: bytes, evidence: RenewalEvidence) -> None:
    """The old key asked for this CSR by SCEP (RFC 8894 2.3; certmonger does it in a PKCSReq)."""
    try:
        message = scep.reopen(_base64(evidence.signed), bytes.fromhex(evidence.content_key))
    except (MessageRejected, ValueError) as error:
        raise _refused(f"The SCEP message is no proof: {error}", "renewal-proof") from error
    same = message.transaction.signer.public_bytes(Encoding.DER) == old.certificate.public_bytes(Encoding.DER)
    if not same or message.content != der:
        raise _refused("The old key did not ask for this by SCEP.", "renewal-proof")


def _said(request: IssuanceRequest, evidence: RenewalEvidence, old: Predecessor, now: datetime) -> None:
    """The web side says that it saw the certificate in a TLS handshake: its word, and a limited one."""
    if CLIENT_AUTH not in PROFILES[request.profile].ekus:
        raise _refused("This certificate cannot be shown in a handshake.", "renewal-proof")
    if not now - SAID_WITHIN <= checks.moment(evidence.at) <= now + CLOCKS:
        raise _refused("It was seen too long ago.", "renewal-said")
    if now < old.certificate.not_valid_before_utc + old.lifetime * 2 / 3:
        raise _refused(
            "Without a signature by the old key it can be renewed in the last third of its life only.",
            "renewal-early",
        )
