"""EnvelopedData of CMS (RFC 5652 6): opened for one RSA recipient, and made. CBC, key transport PKCS#1 v1.5.

By hand, because cryptography's functions know neither BER nor 3DES, which is what phones and printers send.

Whoever can ask as often as they like and sees *why* deciphering fails can read a recorded message
(Bleichenbacher, Vaudenay). So a content key that does not come out right is replaced by a random one and
things go on (RFC 3218 2.3.2), and from there every fault is the same "sealed".
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding as blocks
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, CipherAlgorithm, algorithms
from cryptography.hazmat.primitives.ciphers import Cipher as Engine
from cryptography.hazmat.primitives.ciphers.modes import CBC

from pki import der
from pki.ber import Element
from pki.failinfo import refusal
from pki.signed import DATA, EXPLICIT_0, RSA, wrapped

ENVELOPED_DATA = der.oid("1.2.840.113549.1.7.3")
IMPLICIT_0 = 0x80


@dataclass(frozen=True)
class Cipher:
    """A block cipher in CBC mode: sizes in bytes, and its OID in DER."""

    name: str
    oid: bytes
    key_size: int
    block: int
    algorithm: Callable[[bytes], CipherAlgorithm]

    def engine(self, key: bytes, vector: bytes) -> Engine[CBC]:
        return Engine(self.algorithm(key), CBC(vector))


def _single_des(key: bytes) -> BlockCipherAlgorithm:
    return TripleDES(key * 3)  # enciphering, deciphering and enciphering with one key is DES


AES_128 = Cipher("AES-128", der.oid("2.16.840.1.101.3.4.1.2"), 16, 16, algorithms.AES128)
AES_256 = Cipher("AES-256", der.oid("2.16.840.1.101.3.4.1.42"), 32, 16, algorithms.AES256)
TRIPLE_DES = Cipher("3DES", der.oid("1.2.840.113549.3.7"), 24, 8, TripleDES)
CIPHERS = {cipher.oid: cipher for cipher in (AES_128, AES_256, TRIPLE_DES)}
# 56 bits, which anybody can try through: for test programs that know nothing else (micromdm's scepclient).
WITH_SINGLE_DES = CIPHERS | {
    (oid := der.oid("1.3.14.3.2.7")): Cipher("DES", oid, 8, 8, _single_des),
}


@dataclass(frozen=True)
class Enveloped:
    """An envelope before it is opened."""

    recipients: tuple[Element, ...]
    cipher: Cipher
    vector: bytes
    content: bytes

    def key_for(self, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bytes:
        """The content key, or a random one: whether it is right shows in `open` only.

        Raises MessageRejected(recipient) when the envelope is for others than `certificate`.
        """
        issuer = certificate.issuer.public_bytes()
        serial = der.integer(certificate.serial_number)
        for recipient in self.recipients:
            if recipient.tag != der.SEQUENCE:  # RFC 5652 6.2: the other kinds are for other keys
                continue
            _, who, algorithm, enciphered = recipient.parts
            if [part.der for part in who.parts] == [issuer, serial]:
                if algorithm.parts[0].der != RSA:
                    raise refusal("algorithm")
                return self._unwrapped(key, enciphered.has(der.OCTET_STRING).content)
        raise refusal("recipient")

    def _unwrapped(self, key: rsa.RSAPrivateKey, enciphered: bytes) -> bytes:
        instead = secrets.token_bytes(self.cipher.key_size)
        try:
            found = key.decrypt(enciphered, padding.PKCS1v15())
        except ValueError:
            return instead
        return found if len(found) == self.cipher.key_size else instead

    def open(self, key: bytes) -> bytes:
        """The content; raises MessageRejected(sealed)."""
        if len(key) != self.cipher.key_size:
            raise refusal("sealed")
        engine = self.cipher.engine(key, self.vector).decryptor()
        unpadder = blocks.PKCS7(self.cipher.block * 8).unpadder()
        try:
            padded = engine.update(self.content) + engine.finalize()
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError:
            raise refusal("sealed") from None


def read(info: Element, ciphers: dict[bytes, Cipher]) -> Enveloped:
    """A ContentInfo with EnvelopedData. Raises MessageRejected; ValueError on what is not built like that."""
    kind, explicit = info.parts
    if kind.der != ENVELOPED_DATA:
        raise refusal("damaged")
    fields = explicit.has(EXPLICIT_0).parts[0].parts
    (recipients,) = (field for field in fields if field.tag == der.SET)
    (content_info,) = (field for field in fields if field.tag == der.SEQUENCE)
    _, algorithm, content = content_info.parts
    oid, vector = algorithm.parts
    cipher = ciphers.get(oid.der)
    if cipher is None:
        raise refusal("algorithm")
    if len(vector.has(der.OCTET_STRING).content) != cipher.block:
        raise refusal("damaged")
    return Enveloped(recipients.parts, cipher, vector.content, _joined(content))


def _joined(content: Element) -> bytes:
    """[0] IMPLICIT OCTET STRING: whole, or in pieces (Apple's programs, and those in Go)."""
    if content.tag == EXPLICIT_0:
        return b"".join(part.has(der.OCTET_STRING).content for part in content.parts)
    return content.has(IMPLICIT_0).content


def seal(content: bytes, recipient: x509.Certificate, cipher: Cipher) -> bytes:
    """DER of a ContentInfo with EnvelopedData of `content` for the RSA key of `recipient`."""
    public_key = recipient.public_key()
    if not isinstance(public_key, rsa.RSAPublicKey):
        raise refusal("signer-key")
    key, vector = secrets.token_bytes(cipher.key_size), secrets.token_bytes(cipher.block)
    padder = blocks.PKCS7(cipher.block * 8).padder()
    engine = cipher.engine(key, vector).encryptor()
    padded = padder.update(content) + padder.finalize()
    transport = der.sequence(
        der.integer(0),
        der.sequence(recipient.issuer.public_bytes(), der.integer(recipient.serial_number)),
        der.sequence(RSA, der.NULL),
        der.octets(public_key.encrypt(key, padding.PKCS1v15())),
    )
    algorithm = der.sequence(cipher.oid, der.octets(vector))
    enciphered = der.tlv(IMPLICIT_0, engine.update(padded) + engine.finalize())
    return wrapped(
        ENVELOPED_DATA, der.integer(0), der.set_of(transport), der.sequence(DATA, algorithm, enciphered)
    )
