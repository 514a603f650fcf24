"""What is answered to each SCEP message (RFC 8894 3.3): a message in, verbs of the RA, a reply out."""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.utils import timezone

from audit import trail
from enrollment import challenges, ra
from enrollment.models import CertificationRequest, Status
from enrollment.protocols import scep_limits, scep_once, scep_ra
from enrollment.refusals import Refused
from pki import authorities, crl, csr, scep
from pki.csr import ParsedCSR
from pki.errors import CSRRejected
from pki.failinfo import FailInfo, fail_info
from pki.models import Certificate
from pki.profiles import PROFILES
from pki.scep import IssuerAndSerial, MessageType, PkiMessage, Transaction

log = logging.getLogger(__name__)

AUTHORITY = "clients"


class NoSuchCertificate(Refused):
    """BAD_CERT_ID (RFC 8894 3.2.1.4.5)."""

    def __init__(self) -> None:
        super().__init__("There is no such certificate, or it is not yours to ask for.")


@dataclass(frozen=True)
class Asked:
    """One message, as it came."""

    message: PkiMessage
    data: bytes
    address: str

    @property
    def transaction(self) -> Transaction:
        return self.message.transaction


@dataclass(frozen=True)
class Found:
    """What the answer carries (DER), or `waits`: ask again later."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    waits: bool = False


@dataclass(frozen=True)
class Answer:
    """The CertRep, DER. `in_vain`: it led to no certificate; that counts for its network."""

    data: bytes
    in_vain: bool


def answer(data: bytes, address: str) -> Answer:
    """What a pkiMessage from `address` is answered with.

    Raises MessageRejected for what cannot be answered, SignerUnavailable while there is no RA certificate.
    """
    try:
        message, registrar = scep_ra.decode(data)
    except scep.Answerable as error:
        log.info("scep address=%s refused=%s", address, error.code)
        return Answer(scep.failure(scep_ra.ra(), error.transaction, error.fail_info), in_vain=True)
    asked = Asked(message, data, address)
    try:
        found = _decided(asked)
    except (Refused, CSRRejected) as error:
        scep_limits.opened_in_vain(message.content_key)
        _note(asked, error)
        return Answer(scep.failure(registrar, message.transaction, _number(error)), in_vain=True)
    return Answer(_carried(found, message.transaction, registrar), in_vain=not found.certificates)


def _carried(found: Found, transaction: Transaction, registrar: scep.Ra) -> bytes:
    if found.waits:
        return scep.pending(registrar, transaction)
    return scep.success(registrar, transaction, certificates=found.certificates, crls=found.crls)


def _decided(asked: Asked) -> Found:
    scep_once.refuse_replay(asked.message, asked.data)
    return _HANDLERS[asked.message.message_type](asked)


def _number(error: Refused | CSRRejected) -> FailInfo:
    if isinstance(error, CSRRejected):
        return fail_info(error)
    return FailInfo.BAD_CERT_ID if isinstance(error, NoSuchCertificate) else FailInfo.BAD_REQUEST


def _note(asked: Asked, error: Refused | CSRRejected) -> None:
    """A line of the log; one of the audit trail only where something of ours is concerned: strangers could
    write as many as they like."""
    asked_for, why = asked.message.message_type.name, str(error)
    log.info("scep address=%s message=%s refused=%r", asked.address, asked_for, why)
    holder = _presented(asked)
    if holder is not None:
        detail = {"message": asked_for, "why": why, "serial": holder.serial}
        trail.record("scep.refused", address=asked.address, target=str(holder.pk), detail=detail)


def _enrolment(asked: Asked) -> Found:
    """PKCSReq (3.3.1): with a challenge, or once more while it waits; or certmonger's renewal."""
    old = _presented(asked)
    if old is not None:
        return _renewed(asked, old)
    wanted = _csr(asked)
    if wanted.key_sha256 != asked.transaction.key_sha256:
        raise Refused("The message is signed with another key than the one that it brings.")
    known = scep_once.request_of(asked.transaction)
    if known is None or known.key_sha256 != wanted.key_sha256 or _is_over(known):
        known = _with_challenge(wanted, csr.challenge(wanted.der), asked.address)
    return _about(asked, known)


def _with_challenge(wanted: ParsedCSR, challenge: str, address: str) -> CertificationRequest:
    """A device's from its profile, or a program's from its person."""
    found = ra.enrol(csr=wanted, challenge=challenge, address=address)
    found = found or challenges.ask(csr=wanted, challenge=challenge, address=address)
    if found is None:
        raise Refused("Nobody made such a challenge.")
    return found


def _is_over(request: CertificationRequest) -> bool:
    """Whether the same key may come with another challenge: this request leads to nothing any more."""
    if request.certificate is not None:
        return request.certificate.revoked_at is not None or request.certificate.not_after < timezone.now()
    return request.status not in (Status.PENDING, Status.APPROVED)


def _renewal(asked: Asked) -> Found:
    """RenewalReq (3.3.1): signed by the certificate that it renews."""
    old = _presented(asked)
    if old is None:
        raise NoSuchCertificate
    return _renewed(asked, old)


def _renewed(asked: Asked, old: Certificate) -> Found:
    """The signer opens the message itself: only the old key can make one (pki/signer/renewals.py)."""
    if (old.authority, old.profile in PROFILES) != (AUTHORITY, True):
        raise NoSuchCertificate
    scep_once.request_of(asked.transaction)  # not another key's
    proof = {
        "proof": "scep",
        "signed": base64.b64encode(asked.data).decode(),
        "content_key": asked.message.content_key.hex(),
        "at": datetime.now(UTC).isoformat(),
    }
    made = ra.renew(predecessor=old, csr=_csr(asked), proof=proof, address=asked.address)
    return _about(asked, made)


def _poll(asked: Asked) -> Found:
    """CertPoll (3.3.3), from the key that asked; names could be anybody's and are not looked at."""
    known = scep_once.request_of(asked.transaction)
    if known is None:
        raise NoSuchCertificate
    return _about(asked, known)


def _about(asked: Asked, request: CertificationRequest) -> Found:
    """Where the request stands. The transaction and its nonce are remembered."""
    scep_once.remember(asked.message, asked.data, request)
    if request.status in (Status.PENDING, Status.APPROVED):
        return Found(waits=True)
    if request.certificate is None:
        raise Refused(
            f"The request came to nothing: {request.get_status_display()}. {request.reason}".strip()
        )
    if request.certificate.revoked_at is not None:
        raise NoSuchCertificate
    return Found((bytes(request.certificate.der),))


def _certificate(asked: Asked) -> Found:
    """GetCert (3.3.4), for its owner: lists name revoked serials, and a certificate names its owner."""
    issuer, serial = _wanted(asked)
    found = Certificate.objects.filter(authority=AUTHORITY, serial=f"{serial:x}").first()
    if found is None or issuer != _names()[AUTHORITY] or not _may_have(asked, found):
        raise NoSuchCertificate
    return Found((bytes(found.der),))


def _may_have(asked: Asked, wanted: Certificate) -> bool:
    """The key of the certificate, or a live certificate of the same owner."""
    if wanted.key_sha256 == asked.transaction.key_sha256:
        return True
    shown = _presented(asked)
    alive = shown is not None and shown.revoked_at is None and shown.not_after >= timezone.now()
    return alive and shown is not None and shown.owner == wanted.owner


def _list(asked: Asked) -> Found:
    """GetCRL (3.3.5): the list on which this serial would stand. It is public anyway."""
    issuer, _ = _wanted(asked)
    names = {name: authority for authority, name in _names().items()}
    if issuer not in names:
        raise NoSuchCertificate
    try:
        return Found(crls=(crl.published(names[issuer]),))
    except FileNotFoundError:
        raise Refused("There is no list yet.") from None


_HANDLERS: dict[MessageType, Callable[[Asked], Found]] = {
    MessageType.PKCS_REQ: _enrolment,
    MessageType.RENEWAL_REQ: _renewal,
    MessageType.CERT_POLL: _poll,
    MessageType.GET_CERT: _certificate,
    MessageType.GET_CRL: _list,
}


def _csr(asked: Asked) -> ParsedCSR:
    """The CSR inside, its signature verified. Raises CSRRejected."""
    return csr.parse(asked.message.content if isinstance(asked.message.content, bytes) else b"")


def _wanted(asked: Asked) -> tuple[bytes, int]:
    content = asked.message.content
    if not isinstance(content, IssuerAndSerial) or content.serial < 0:
        raise NoSuchCertificate
    return content.issuer, content.serial


def _presented(asked: Asked) -> Certificate | None:
    """The certificate of ours that signed the message, live or not; None for a self-signed or foreign one.

    By its whole DER: all but the key in it is only what somebody wrote.
    """
    if asked.transaction.signer.issuer == asked.transaction.signer.subject:  # spares a look into the database
        return None
    fingerprint = asked.transaction.signer.fingerprint(hashes.SHA256()).hex()
    return Certificate.objects.filter(fingerprint=fingerprint).first()


def _names() -> dict[str, bytes]:
    """The names of issuing CA and root, DER."""
    chain = zip((AUTHORITY, f"{AUTHORITY}-root"), authorities.chain(AUTHORITY), strict=True)
    return {name: x509.load_der_x509_certificate(der).subject.public_bytes() for name, der in chain}
