"""A SCEP client as Apple's sources have it: BER with indefinite lengths, strings in pieces, 40 hex digits.

It shares no code with pki/: what it sends is put together here, what it gets is read by pyasn1 as strict DER.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import AttributeOID, NameOID
from pyasn1.codec.der import decoder, encoder
from pyasn1_alt_modules import rfc5652

from tests.pki.shapes import NULL, integer, oid, sequence, spki, tlv

DATA, SIGNED, ENVELOPED = (oid(f"1.2.840.113549.1.7.{n}") for n in (1, 2, 3))
RSA = sequence(oid("1.2.840.113549.1.1.1"), NULL)
DIGESTS = {
    "sha1": ("1.3.14.3.2.26", hashes.SHA1()),
    "sha256": ("2.16.840.1.101.3.4.2.1", hashes.SHA256()),
    "sha512": ("2.16.840.1.101.3.4.2.3", hashes.SHA512()),
}
CIPHERS = {
    "aes128": ("2.16.840.1.101.3.4.1.2", 16, 16, algorithms.AES),
    "aes256": ("2.16.840.1.101.3.4.1.42", 32, 16, algorithms.AES),
    "des3": ("1.2.840.113549.3.7", 24, 8, TripleDES),
    "des": ("1.3.14.3.2.7", 8, 8, lambda key: TripleDES(key * 3)),
}
SCEP = "2.16.840.1.113733.1.9"  # RFC 8894 3.2.1


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """One key for each name: RSA keys take long to make."""
    return rsa.generate_private_key(65537, 2048)


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def self_signed(key: rsa.RSAPrivateKey, common_name: str = "phone") -> x509.Certificate:
    now = datetime.now(UTC).replace(microsecond=0)
    builder = x509.CertificateBuilder(named(common_name), named(common_name), key.public_key(), 1)
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())


def indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"


def pieces(tag: int, content: bytes, size: int = 100) -> bytes:
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    return indefinite(tag, *(tlv(4, part) for part in parts))


@dataclass
class Reply:
    status: str
    fail_info: str | None
    recipient_nonce: bytes
    certificates: list[x509.Certificate]
    crls: list[bytes]


class Phone:
    """One device with its key; `ra` is what it trusts and enciphers for."""

    def __init__(
        self, ra: x509.Certificate, cipher: str = "aes128", digest: str = "sha256", name: str = "phone"
    ):
        self.ra, self.cipher, self.digest = ra, cipher, digest
        self.key = rsa_key(name)
        self.certificate = self_signed(self.key, name)
        self.transaction = hashlib.sha1(spki(self.key)).hexdigest()
        self.nonce = os.urandom(16)
        self.attributes: dict[str, bytes] = {}  # changes to what is signed, for what should be refused

    def csr(self, challenge: str = "", common_name: str = "phone") -> bytes:
        builder = x509.CertificateSigningRequestBuilder().subject_name(named(common_name))
        if challenge:
            builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def ask(self, content: bytes, message_type: str = "19") -> bytes:
        return self.sign(self.seal(content), message_type)

    def poll(self, issuer: x509.Certificate) -> bytes:
        names = sequence(issuer.subject.public_bytes(), self.certificate.subject.public_bytes())
        return self.ask(names, "20")

    def seal(self, content: bytes) -> bytes:
        kind, size, block, algorithm = CIPHERS[self.cipher]
        key, vector = os.urandom(size), os.urandom(block)
        padded = content + bytes([block - len(content) % block]) * (block - len(content) % block)
        engine = Cipher(algorithm(key), modes.CBC(vector)).encryptor()
        who = sequence(self.ra.issuer.public_bytes(), integer(self.ra.serial_number))
        wrapped = self.ra.public_key().encrypt(key, padding.PKCS1v15())
        recipient = indefinite(0x30, integer(0), who, RSA, tlv(4, wrapped))
        content_info = indefinite(
            0x30,
            DATA,
            sequence(oid(kind), tlv(4, vector)),
            pieces(0xA0, engine.update(padded) + engine.finalize()),
        )
        inside = indefinite(0x30, integer(0), indefinite(0x31, recipient), content_info)
        return indefinite(0x30, ENVELOPED, indefinite(0xA0, inside))

    def sign(self, content: bytes, message_type: str = "19") -> bytes:
        kind, algorithm = DIGESTS[self.digest]
        attributes = self.signed_attributes(hashlib.new(self.digest, content).digest(), message_type)
        text = b"".join(sorted(attributes))
        signature = self.key.sign(tlv(0x31, text), padding.PKCS1v15(), algorithm)
        who = sequence(self.certificate.issuer.public_bytes(), integer(self.certificate.serial_number))
        digest = sequence(oid(kind), NULL)
        info = indefinite(0x30, integer(1), who, digest, tlv(0xA0, text), RSA, tlv(4, signature))
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        body = indefinite(
            0x30,
            integer(1),
            tlv(0x31, digest),
            indefinite(0x30, DATA, indefinite(0xA0, pieces(0x24, content))),
            indefinite(0xA0, der),
            indefinite(0x31, info),
        )
        return indefinite(0x30, SIGNED, indefinite(0xA0, body))

    def signed_attributes(self, digest: bytes, message_type: str) -> list[bytes]:
        values = {
            "1.2.840.113549.1.9.3": DATA,
            "1.2.840.113549.1.9.4": tlv(4, digest),
            f"{SCEP}.2": tlv(0x13, message_type.encode()),
            f"{SCEP}.5": tlv(4, self.nonce),
            f"{SCEP}.7": tlv(0x13, self.transaction.encode()),
            **self.attributes,
        }
        return [sequence(oid(kind), tlv(0x31, value)) for kind, value in values.items() if value]

    def read(self, reply: bytes) -> Reply:
        """The answer, when it is strict DER, signed by the RA, and to this question."""
        outer = strict(reply, rfc5652.ContentInfo())
        data = strict(bytes(outer["content"]), rfc5652.SignedData())
        (info,) = data["signerInfos"]
        content = (
            bytes(data["encapContentInfo"]["eContent"])
            if data["encapContentInfo"]["eContent"].isValue
            else b""
        )
        found = {str(a["attrType"]): [bytes(value) for value in a["attrValues"]] for a in info["signedAttrs"]}
        algorithm = DIGESTS[self.digest][1]
        assert found["1.2.840.113549.1.9.4"] == [tlv(4, hashlib.new(self.digest, content).digest())]
        signed = b"\x31" + encoder.encode(info["signedAttrs"])[1:]
        self.ra.public_key().verify(bytes(info["signature"]), signed, padding.PKCS1v15(), algorithm)
        assert found[f"{SCEP}.2"] == [b"\x13\x013"]  # a PrintableString, alone in its SET
        assert found[f"{SCEP}.7"] == [tlv(0x13, self.transaction.encode())]
        assert len(found[f"{SCEP}.5"][0]) == 18
        ((status,), (nonce,)) = found[f"{SCEP}.3"], found[f"{SCEP}.6"]
        why = found.get(f"{SCEP}.4", [b""])[0][2:].decode() or None
        assert status[:2] == b"\x13\x01" and nonce[:2] == b"\4\x10"
        certificates, crls = self.open(content) if content else ([], [])
        return Reply(status[2:].decode(), why, nonce[2:], certificates, crls)

    def open(self, content: bytes) -> tuple[list[x509.Certificate], list[bytes]]:
        data = strict(bytes(strict(content, rfc5652.ContentInfo())["content"]), rfc5652.EnvelopedData())
        transport = data["recipientInfos"][0]["ktri"]
        assert transport["rid"]["issuerAndSerialNumber"]["serialNumber"] == self.certificate.serial_number
        key = self.key.decrypt(bytes(transport["encryptedKey"]), padding.PKCS1v15())
        info = data["encryptedContentInfo"]
        algorithms_ = {kind: (block, algorithm) for kind, _, block, algorithm in CIPHERS.values()}
        _, algorithm = algorithms_[str(info["contentEncryptionAlgorithm"]["algorithm"])]
        vector = bytes(info["contentEncryptionAlgorithm"]["parameters"])[2:]
        engine = Cipher(algorithm(key), modes.CBC(vector)).decryptor()
        padded = engine.update(bytes(info["encryptedContent"])) + engine.finalize()
        return inside(padded[: -padded[-1]])


def inside(der: bytes) -> tuple[list[x509.Certificate], list[bytes]]:
    """The certificates and CRLs of a degenerate SignedData without signers."""
    data = strict(bytes(strict(der, rfc5652.ContentInfo())["content"]), rfc5652.SignedData())
    assert not len(data["signerInfos"])
    certificates = data["certificates"] if data["certificates"].isValue else ()
    crls = data["crls"] if data["crls"].isValue else ()
    return (
        [x509.load_der_x509_certificate(encoder.encode(one["certificate"])) for one in certificates],
        [encoder.encode(one["crl"]) for one in crls],
    )


def strict(der: bytes, spec: object) -> object:
    """Exactly one value in DER."""
    value, rest = decoder.decode(der, asn1Spec=spec)
    assert rest == b""
    return value
