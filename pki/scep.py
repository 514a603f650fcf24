"""SCEP's pkiMessage (RFC 8894 3): bytes -> what is asked and by whom, and the three kinds of answers.

Everything here is plain: no store, no network, no decision who gets what. What a caller must still do: ask
`pki.csr.parse` and compare the CSR's key with the signer's, unless that is an old certificate of ours; take a
poll from the key only that asked (anybody may choose any transaction id); take a PKCSReq that comes again for
a poll (certmonger); refuse a sender nonce it has seen.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pki import ber, csr, der, enveloped, signed
from pki.ber import Element
from pki.enveloped import AES_128, CIPHERS, WITH_SINGLE_DES, Cipher, Enveloped
from pki.errors import MessageRejected
from pki.failinfo import FailInfo, fail_info, refusal

MESSAGE_TYPE = der.oid("2.16.840.1.113733.1.9.2")
PKI_STATUS = der.oid("2.16.840.1.113733.1.9.3")
FAIL_INFO = der.oid("2.16.840.1.113733.1.9.4")
SENDER_NONCE = der.oid("2.16.840.1.113733.1.9.5")
RECIPIENT_NONCE = der.oid("2.16.840.1.113733.1.9.6")
TRANSACTION_ID = der.oid("2.16.840.1.113733.1.9.7")

CERT_REP = "3"
SUCCESS, FAILURE, PENDING = "0", "2", "3"  # RFC 8894 3.2.1.3
NONCE = 16  # bytes, of ours
NONCES = range(8, 65)  # bytes, of others; 16 by RFC 8894 3.2.1.5
_TRANSACTION = re.compile(rb"[A-Za-z0-9 '()+,./:=?-]{1,128}")  # PrintableString (X.680 41.4)

# RFC 8894 3.5.2. No GetNextCACert: a new CA comes with a new profile.
CAPABILITIES = "Renewal\nSHA-1\nSHA-256\nAES\nDES3\nSCEPStandard\nPOSTPKIOperation\n"


class MessageType(StrEnum):
    """What may be asked (RFC 8894 3.2.1.2); whatever else comes is refused."""

    RENEWAL_REQ = "17"
    PKCS_REQ = "19"
    CERT_POLL = "20"
    GET_CERT = "21"
    GET_CRL = "22"


@dataclass(frozen=True)
class Ra:
    """The RA's RSA key and certificate: what messages are enciphered for and answers are signed with."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True)
class Transaction:
    """What an answer needs of its question.

    Whoever sent it proved to hold the key of `signer`. Nothing else in that certificate is proved, its own
    signature was not looked at: know an old certificate of ours by the whole DER, anything else by its key.
    """

    transaction_id: str
    sender_nonce: bytes
    signer: x509.Certificate
    digest: bytes  # DER of the OID. The answer uses the digest and cipher of the question (RFC 8894 3.1)
    cipher: Cipher

    @property
    def key_sha256(self) -> str:
        """The signer's key, named as everywhere here (pki.csr.key_digest)."""
        return csr.key_digest(self.signer.public_key())


@dataclass(frozen=True)
class IssuerAndSerial:
    """Which certificate, or the CRL for which one (RFC 8894 3.3.4, 3.3.5); the Name in DER."""

    issuer: bytes
    serial: int


Content = bytes | IssuerAndSerial | None


@dataclass(frozen=True)
class PkiMessage:
    """One question, its signature verified and its content deciphered."""

    message_type: MessageType
    transaction: Transaction
    content: (
        Content  # DER of the CSR for PKCS_REQ and RENEWAL_REQ: not parsed, not trusted; None for CERT_POLL
    )
    content_key: bytes = field(repr=False)  # opens the envelope again, for who has not the RA's key


class Answerable(MessageRejected):
    """Rejected, but the asker can be told: `failure(ra, error.transaction, error.fail_info)`."""

    def __init__(
        self, error: MessageRejected, transaction: Transaction, content_key: bytes | None = None
    ) -> None:
        super().__init__(str(error), code=error.code, remedy=error.remedy)
        self.transaction = transaction
        self.fail_info = fail_info(error)
        self.content_key = content_key  # once there was one


def _any_key(content_key: bytes) -> bool:
    return True


def decode(
    data: bytes, ra: Ra, *, single_des: bool = False, may_open: Callable[[bytes], bool] = _any_key
) -> PkiMessage:
    """A pkiMessage as sent (BER or DER, at most 128 KiB), enciphered for `ra`.

    `single_des` lets DES through, for tests with programs that know nothing else. What `may_open` says no to,
    given its content key, is "sealed". Raises Answerable once the signature holds and the transaction is
    known, MessageRejected before (answer 400), and nothing else.
    """

    def key_for(envelope: Enveloped) -> bytes:
        key = envelope.key_for(ra.certificate, ra.key)
        if not may_open(key):
            raise refusal("sealed")
        return key

    return _eagerly(data, WITH_SINGLE_DES if single_des else CIPHERS, key_for)


def reopen(data: bytes, content_key: bytes) -> PkiMessage:
    """The same message again by its content key: proof for a third party of what the signer asked for."""
    return _eagerly(data, CIPHERS, lambda envelope: content_key)


def _eagerly(data: bytes, ciphers: dict[bytes, Cipher], key_for: Callable[[Enveloped], bytes]) -> PkiMessage:
    """One eager pass: whatever a parser beneath raises is a rejection, a panic in Rust code too."""
    try:
        return _decoded(data, ciphers, key_for)
    except (MessageRejected, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise refusal("damaged") from error


def _decoded(data: bytes, ciphers: dict[bytes, Cipher], key_for: Callable[[Enveloped], bytes]) -> PkiMessage:
    outer = signed.read(ber.parse(data))
    transaction = Transaction(
        transaction_id=_transaction_id(outer.attributes),
        sender_nonce=_nonce(outer.attributes, SENDER_NONCE),
        signer=outer.signer,
        digest=outer.digest,
        cipher=AES_128,  # until its own is known
    )
    key = None
    try:
        kind = _message_type(outer.attributes)
        envelope = enveloped.read(ber.parse(outer.content), ciphers)
        if envelope.cipher.oid in CIPHERS:  # nothing is ever enciphered with DES here
            transaction = Transaction(**{**vars(transaction), "cipher": envelope.cipher})
        key = key_for(envelope)
        found = _content(kind, envelope.open(key))
        if RECIPIENT_NONCE in outer.attributes:  # nobody needs it in a question, but it is no place for more
            _nonce(outer.attributes, RECIPIENT_NONCE)
    except MessageRejected as error:
        raise Answerable(error, transaction, key) from error
    except (ValueError, IndexError) as error:
        raise Answerable(refusal("damaged"), transaction, key) from error
    return PkiMessage(kind, transaction, found, key)


def _value(attributes: signed.Attributes, kind: bytes, tag: int) -> bytes:
    """The one value of a signed attribute (RFC 8894 3.2.1: each is a SET of one)."""
    values = attributes.get(kind, ())
    if len(values) != 1 or values[0].tag != tag:
        raise refusal("attributes")
    return values[0].content


def _transaction_id(attributes: signed.Attributes) -> str:
    text = _value(attributes, TRANSACTION_ID, der.PRINTABLE_STRING)
    if not _TRANSACTION.fullmatch(text):
        raise refusal("attributes")
    return text.decode("ascii")


def _nonce(attributes: signed.Attributes, kind: bytes) -> bytes:
    nonce = _value(attributes, kind, der.OCTET_STRING)
    if len(nonce) not in NONCES:
        raise refusal("attributes")
    return nonce


def _message_type(attributes: signed.Attributes) -> MessageType:
    try:
        return MessageType(_value(attributes, MESSAGE_TYPE, der.PRINTABLE_STRING).decode("ascii"))
    except ValueError:
        raise refusal("message-type") from None


def _content(kind: MessageType, content: bytes) -> Content:
    """What is inside; whatever is wrong with it is "sealed", for the reason in pki/enveloped.py."""
    try:
        inside = ber.parse(content).has(der.SEQUENCE)
        if kind in (MessageType.PKCS_REQ, MessageType.RENEWAL_REQ):
            return inside.der
        first, second = inside.parts
        name = first.has(der.SEQUENCE).der
        if kind is MessageType.CERT_POLL:  # two Names (RFC 8894 3.3.3); the transaction says which request
            second.has(der.SEQUENCE)
            return None
        return IssuerAndSerial(name, _serial(second))
    except (MessageRejected, ValueError):
        raise refusal("sealed") from None


def _serial(element: Element) -> int:
    return int.from_bytes(element.has(der.INTEGER).content, "big", signed=True)


def success(
    ra: Ra, transaction: Transaction, *, certificates: Sequence[bytes] = (), crls: Sequence[bytes] = ()
) -> bytes:
    """CertRep with the leaf alone, or for GetCRL a CRL (DER each), enciphered for who asked; DER.

    Certificates of CAs do not belong into it: clients take the first one, and a SET has no order.
    """
    inside = signed.degenerate(certificates, crls)
    return _reply(
        ra, transaction, SUCCESS, content=enveloped.seal(inside, transaction.signer, transaction.cipher)
    )


def pending(ra: Ra, transaction: Transaction) -> bytes:
    """CertRep that says: ask again later with CertPoll; DER."""
    return _reply(ra, transaction, PENDING)


def failure(ra: Ra, transaction: Transaction, why: FailInfo) -> bytes:
    """CertRep that says no; DER."""
    return _reply(ra, transaction, FAILURE, why=why)


def _reply(
    ra: Ra,
    transaction: Transaction,
    status: str,
    *,
    content: bytes = b"",
    why: FailInfo | None = None,
) -> bytes:
    # Without an envelope (RFC 8894 3.3.2.2, 3.3.2.3) the content is empty and not left out: OpenSSL's PKCS#7,
    # and certmonger with it, verifies no signature without content.
    attributes = {
        TRANSACTION_ID: _printable(transaction.transaction_id),
        MESSAGE_TYPE: _printable(CERT_REP),
        PKI_STATUS: _printable(status),
        SENDER_NONCE: der.octets(secrets.token_bytes(NONCE)),
        RECIPIENT_NONCE: der.octets(transaction.sender_nonce),
    }
    if why is not None:
        attributes[FAIL_INFO] = _printable(str(int(why)))
    return signed.sign(content, attributes, ra.key, ra.certificate, transaction.digest)


def _printable(text: str) -> bytes:
    return der.tlv(der.PRINTABLE_STRING, text.encode("ascii"))


def ca_certificates(ra: x509.Certificate, chain: Sequence[bytes]) -> bytes:
    """What GetCACert answers (RFC 8894 4.2.1.2): RA, issuing CA, root; `application/x-x509-ca-ra-cert`."""
    return signed.degenerate([ra.public_bytes(Encoding.DER), *chain], [])
