"""CSRs of any shape, right and wrong ones, encoded by hand and really signed.

The usual builders refuse to make most of what has to be refused here: long and odd subjects, duplicate
extensions, MD5, RSA keys with a fault. RSA signatures are made from the primes, one power for each (RFC 8017
5.1.2).
"""

import base64
import hashlib
import random
from collections.abc import Callable, Sequence
from functools import cache

import gmpy2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

CN, OU = "2.5.4.3", "2.5.4.11"
UTF8, PRINTABLE, TELETEX, BMP = 0x0C, 0x13, 0x14, 0x1E
RSA_DIGESTS = {  # name: (signature algorithm, digest algorithm)
    "md5": ("1.2.840.113549.1.1.4", "1.2.840.113549.2.5"),
    "sha1": ("1.2.840.113549.1.1.5", "1.3.14.3.2.26"),
    "sha256": ("1.2.840.113549.1.1.11", "2.16.840.1.101.3.4.2.1"),
}
NULL = b"\5\0"


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    found = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        found += bytes(reversed(groups))
    return tlv(6, bytes(found))


def integer(value: int) -> bytes:
    return tlv(2, int(value).to_bytes(int(value).bit_length() // 8 + 1, "big"))


def bits(content: bytes) -> bytes:
    return tlv(3, b"\0", content)


def attribute(value: str | bytes, kind: str = CN, tag: int = UTF8) -> bytes:
    """One attribute of a name, with any content in any string type."""
    return sequence(oid(kind), tlv(tag, value.encode() if isinstance(value, str) else value))


def name(*attributes: bytes) -> bytes:
    return sequence(*(tlv(0x31, one) for one in attributes))


def extension(dotted: str, value: bytes, critical: bool = False) -> bytes:
    return sequence(oid(dotted), b"\1\1\xff" if critical else b"", tlv(4, value))


def asking_for(*extensions: bytes) -> bytes:
    """The extensionRequest attribute (RFC 2985 5.4.2)."""
    return sequence(oid("1.2.840.113549.1.9.14"), tlv(0x31, sequence(*extensions)))


@cache
def p256() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(0xC0FFEE, ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def tbs(key_info: bytes, subject: bytes, attributes: bytes = b"", version: int = 0) -> bytes:
    return sequence(integer(version), subject, key_info, tlv(0xA0, attributes))


def request(subject: bytes | None = None, attributes: bytes = b"", version: int = 0) -> bytes:
    """A DER CSR, signed by a P-256 key; the same for the same arguments."""
    body = tbs(spki(p256()), name(attribute("phone")) if subject is None else subject, attributes, version)
    signature = p256().sign(body, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return sequence(body, sequence(oid("1.2.840.10045.4.3.2")), bits(signature))


def built(key: object, digest: hashes.HashAlgorithm | None = None, **options: object) -> bytes:
    """A DER CSR by cryptography's own builder, for any kind of key."""
    label = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "phone")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(label).sign(key, digest, **options)
    return csr.public_bytes(serialization.Encoding.DER)


def pem(der: bytes, label: str = "CERTIFICATE REQUEST") -> bytes:
    text = base64.b64encode(der)
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label.encode(), lines, label.encode())


def prime(bits_: int, seed: str, fits: Callable[[int], bool] = lambda p: True) -> int:
    """The same prime for the same seed, with its two highest bits set."""
    source = random.Random(seed)
    while True:
        found = int(gmpy2.next_prime(source.getrandbits(bits_) | 3 << (bits_ - 2)))
        if fits(found) and found.bit_length() == bits_:
            return found


def rsa_request(primes: Sequence[int], e: int = 65537, digest: str = "sha256") -> bytes:
    """A DER CSR signed with RSA PKCS#1 v1.5 by the key with these primes (RFC 8017 8.2)."""
    n = 1
    for p in primes:
        n *= p
    algorithm, digest_algorithm = RSA_DIGESTS[digest]
    key_info = sequence(sequence(oid("1.2.840.113549.1.1.1"), NULL), bits(sequence(integer(n), integer(e))))
    body = tbs(key_info, name(attribute("phone")))
    hashed = hashlib.new(digest, body).digest()
    info = sequence(sequence(oid(digest_algorithm), NULL), tlv(4, hashed))
    size = (n.bit_length() + 7) // 8
    padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    signature = power(int.from_bytes(padded, "big"), e, primes).to_bytes(size, "big")
    return sequence(body, sequence(oid(algorithm), NULL), bits(signature))


def power(message: int, e: int, primes: Sequence[int]) -> int:
    """`message` to the private exponent, by the Chinese remainder theorem over these different primes."""
    found, modulus = 0, 1
    for p in primes:
        part = gmpy2.powmod(message, gmpy2.invert(e, p - 1), p)
        found += modulus * ((part - found) * gmpy2.invert(modulus, p) % p)
        modulus *= p
    return int(found)
