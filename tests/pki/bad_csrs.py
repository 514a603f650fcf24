"""Every bad input of a submit page, by name, and the good ones that ask for too much.

BAD[name]() are the bytes, CODES[name] is the code of the rejection. GOOD[name]() parses. All are made when
called, RSA keys from fixed seeds; what is bad about a key is real, and such a request is signed by that key.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from tests.pki import shapes
from tests.pki.shapes import (
    NULL,
    OU,
    asking_for,
    attribute,
    extension,
    name,
    oid,
    pem,
    prime,
    request,
    sequence,
    tlv,
)
from tests.pki.weak_keys import WEAK_KEYS, good_primes

KIB = 1024
Make = Callable[[], bytes]
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS1, PKCS8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()

# --- things that are no request -------------------------------------------------------------------


@cache
def certificate() -> x509.Certificate:
    label = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "whoever")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        label, label, shapes.p256().public_key(), 4711, now, now + timedelta(days=1)
    )
    return builder.sign(shapes.p256(), hashes.SHA256())


def crl() -> x509.CertificateRevocationList:
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder(certificate().subject, now, now + timedelta(days=1))
    return builder.sign(shapes.p256(), hashes.SHA256())


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    p, q = prime(1024, "good p"), prime(1024, "good q")
    d = rsa.rsa_recover_private_exponent(65537, p, q)
    parts = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *parts, rsa.RSAPublicNumbers(65537, p * q)).private_key()


def private(
    form: serialization.PrivateFormat, encoding: serialization.Encoding = PEM, password: bytes = b""
) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else PLAIN
    return shapes.p256().private_bytes(encoding, form, encryption)


def public(encoding: serialization.Encoding, form: serialization.PublicFormat) -> bytes:
    return shapes.p256().public_key().public_bytes(encoding, form)


def archive() -> bytes:
    protection = serialization.BestAvailableEncryption(b"12345")
    return pkcs12.serialize_key_and_certificates(b"phone", shapes.p256(), certificate(), None, protection)


def nested(levels: int) -> bytes:
    found = b""
    for _ in range(levels):
        found = sequence(found)
    return found


NOT_REQUESTS: dict[str, tuple[str, Make]] = {
    "empty": ("empty", lambda: b""),
    "blank": ("empty", lambda: b" \r\n\t\n"),
    "byte order mark alone": ("empty", lambda: b"\xef\xbb\xbf"),
    "a sentence": ("not-a-csr", lambda: b"Please give me a certificate, I am Anna."),
    "a picture": ("not-a-csr", lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8),
    "zeros": ("empty", lambda: bytes(2000)),
    "digits": ("not-a-csr", lambda: b"0123456789" * 20),
    "html": ("not-a-csr", lambda: b"<script>alert(1)</script>"),
    "100 MB": ("too-large", lambda: b"\x30" * (100 * KIB * KIB)),
    "a million BEGIN lines": ("too-large", lambda: b"-----BEGIN CERTIFICATE REQUEST-----\n" * 1_000_000),
    "64 KiB of BEGIN lines": (
        "several",
        lambda: (b"-----BEGIN CERTIFICATE REQUEST-----\n" * 2000)[: 64 * KIB],
    ),
    "64 KiB of half BEGIN lines": ("several", lambda: (b"-----BEGIN " * 6000)[: 64 * KIB]),
    "64 KiB of dashes": ("not-a-csr", lambda: b"-" * 64 * KIB),
    "64 KiB of BEGIN A": ("not-a-csr", lambda: (b"BEGIN " + b"A " * 20) * 1400),
    "a BEGIN line alone": ("truncated", lambda: b"-----BEGIN CERTIFICATE REQUEST-----\n"),
    "BEGIN and END alone": ("damaged", lambda: pem(b"")),
    "a broken BEGIN line": ("damaged", lambda: b"--BEGIN CERTIFICATE REQUEST--\nMIIB\n"),
    "unknown block": ("other-block", lambda: pem(b"hello", "DH PARAMETERS")),
    "certificate": ("certificate", lambda: certificate().public_bytes(PEM)),
    "certificate, DER": ("certificate", lambda: certificate().public_bytes(DER)),
    "certificate labelled as request": ("certificate", lambda: pem(certificate().public_bytes(DER))),
    "CRL": ("crl", lambda: crl().public_bytes(PEM)),
    "CRL, DER": ("crl", lambda: crl().public_bytes(DER)),
    "PKCS#7": ("pkcs7", lambda: pkcs7.serialize_certificates([certificate()], PEM)),
    "PKCS#7, DER": ("pkcs7", lambda: pkcs7.serialize_certificates([certificate()], DER)),
    "PKCS#12": ("pkcs12", archive),
    "PKCS#12 of indefinite length": (
        "pkcs12",
        lambda: bytes.fromhex("3080 020103 3080 06092a864886f70d010701"),
    ),
    "PKCS#12 as PEM": ("pkcs12", lambda: pem(archive(), "PKCS12")),
    "PKCS#12 labelled as request": ("pkcs12", lambda: pem(archive())),
    "private key, PKCS#8": ("private-key", lambda: private(PKCS8)),
    "private key, PKCS#8 DER": ("private-key", lambda: private(PKCS8, DER)),
    "private key, encrypted": ("private-key", lambda: private(PKCS8, PEM, b"secret")),
    "private key, encrypted DER": ("private-key", lambda: private(PKCS8, DER, b"secret")),
    "private key, SEC1": ("private-key", lambda: private(PKCS1)),
    "private key, SEC1 DER": ("private-key", lambda: private(PKCS1, DER)),
    "private key, OpenSSH": ("private-key", lambda: private(serialization.PrivateFormat.OpenSSH)),
    "private key, RSA DER": ("private-key", lambda: rsa_key().private_bytes(DER, PKCS1, PLAIN)),
    "private key, truncated": ("private-key", lambda: private(PKCS8)[:90]),
    "private key, truncated DER": ("private-key", lambda: rsa_key().private_bytes(DER, PKCS8, PLAIN)[:300]),
    "private key, UTF-16": ("private-key", lambda: private(PKCS8).decode().encode("utf-16")),
    "private key, UTF-16 without mark": ("private-key", lambda: private(PKCS8).decode().encode("utf-16-le")),
    "private key, base64 alone": ("private-key", lambda: b"".join(private(PKCS8).splitlines()[1:-1])),
    "private key labelled as request": ("private-key", lambda: pem(private(PKCS8, DER))),
    "private key beside the request": ("private-key", lambda: pem(request()) + private(PKCS8)),
    "private key, PuTTY": ("private-key", lambda: b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"),
    "private key, JWK": (
        "private-key",
        lambda: b'{"kty": "EC", "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}',
    ),
    "public key": ("public-key", lambda: public(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)),
    "public key, DER": ("public-key", lambda: public(DER, serialization.PublicFormat.SubjectPublicKeyInfo)),
    "public key, RSA DER": (
        "public-key",
        lambda: rsa_key().public_key().public_bytes(DER, serialization.PublicFormat.PKCS1),
    ),
    "SSH key": (
        "ssh-key",
        lambda: public(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
    ),
    "SSH key, RFC 4716": (
        "ssh-key",
        lambda: b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
    ),
    "20,000 nested sequences": ("too-large", lambda: bytes.fromhex("3084ffffffff") * 20_000),
    "10,000 nested sequences": ("nested", lambda: nested(10_000)),
    "nested sequences as PEM": ("nested", lambda: pem(nested(10_000))),
    "unending nested sequences": ("truncated", lambda: bytes.fromhex("3083ffffff") * 13_000),
    "indefinite lengths": ("not-a-csr", lambda: bytes.fromhex("3080") * 30_000),
    "an OCTET STRING": ("not-a-csr", lambda: pem(tlv(4, b"hello"))),
}

# --- requests with a fault ------------------------------------------------------------------------


def changed(der: bytes, at: int) -> bytes:
    return der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :]


def half_pem() -> bytes:
    lines = pem(request()).splitlines(keepends=True)
    return b"".join([*lines[:3], lines[-1]])


def other_key() -> bytes:
    """A good request in which somebody replaced the key by their own."""
    mine = shapes.spki(shapes.p256())
    theirs = shapes.spki(ec.derive_private_key(0xBADBAD, ec.SECP256R1()))
    return request().replace(mine, theirs)


def twice() -> bytes:
    constraints = extension("2.5.29.19", sequence())
    return request(attributes=asking_for(constraints, constraints))


def nested_attribute() -> bytes:
    return request(attributes=sequence(oid("1.2.3.4"), tlv(0x31, nested(2_000))))


FAULTY: dict[str, tuple[str, Make]] = {
    "without END line": ("truncated", lambda: pem(request()).partition(b"-----END")[0]),
    "lines missing": ("truncated", half_pem),
    "truncated DER": ("truncated", lambda: request()[:-20]),
    "first bytes of DER": ("not-a-csr", lambda: request()[:2]),
    "bytes after the end": ("damaged", lambda: request() + b"more"),
    "not base64": ("damaged", lambda: pem(request()).replace(b"M", b"*", 2)),
    "base64 alone": ("unarmoured", lambda: b"\n".join(pem(request()).splitlines()[1:-1])),
    "two requests": ("several", lambda: pem(request()) * 2),
    "request and certificate": ("several", lambda: pem(request()) + certificate().public_bytes(PEM)),
    "version 1": ("damaged", lambda: request(version=1)),
    "nested attribute": ("nested", nested_attribute),
    "an extension twice": ("extensions", twice),
    "unknown TLS feature": (
        "extensions",
        lambda: request(attributes=asking_for(extension("1.3.6.1.5.5.7.1.24", sequence(shapes.integer(99))))),
    ),
    "malformed extension": (
        "extensions",
        lambda: request(attributes=asking_for(extension("2.5.29.17", b"\xff\xff"))),
    ),
    "200,000 names": ("too-large", lambda: many_names(200_000)),
    "subject not UTF-8": ("subject", lambda: request(name(attribute(b"\xff\xfe\xfd")))),
    "signature changed": ("signature", lambda: changed(request(), -5)),
    "subject changed": ("signature", lambda: request().replace(b"phone", b"admin")),
    "key exchanged": ("signature", other_key),
    "MD5": ("weak-signature", lambda: shapes.rsa_request(good_primes(), digest="md5")),
    "SHA-1": ("weak-signature", lambda: shapes.rsa_request(good_primes(), digest="sha1")),
    "SHA-224": ("signature-algorithm", lambda: shapes.built(shapes.p256(), hashes.SHA224())),
}

_ALL_BAD = NOT_REQUESTS | FAULTY | WEAK_KEYS
BAD: dict[str, Make] = {title: make for title, (_, make) in _ALL_BAD.items()}
CODES: dict[str, str] = {title: code for title, (code, _) in _ALL_BAD.items()}

# --- requests that are fine, and ask for too much -------------------------------------------------

UPN = "1.3.6.1.4.1.311.20.2.3"


def many_names(count: int) -> bytes:
    names = b"".join(tlv(0x82, b"a%d.example" % number) for number in range(count))
    return asked(extension("2.5.29.17", sequence(names)))


def asked(*extensions: bytes) -> bytes:
    return request(attributes=asking_for(*extensions))


def alternatives(*names: bytes) -> bytes:
    return asked(extension("2.5.29.17", sequence(*names)))


def other_name(kind: str, value: bytes) -> bytes:
    return tlv(0xA0, oid(kind), tlv(0xA0, value))


def titled(text: str | bytes, tag: int = shapes.UTF8) -> Make:
    return lambda: request(name(attribute(text, tag=tag)))


GOOD: dict[str, Make] = {
    "P-256": request,
    "P-256, PEM": lambda: pem(request()),
    "P-384": lambda: shapes.built(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()),
    "P-521": lambda: shapes.built(ec.generate_private_key(ec.SECP521R1()), hashes.SHA512()),
    "Ed25519": lambda: shapes.built(ed25519.Ed25519PrivateKey.generate()),
    "RSA-2048": lambda: shapes.rsa_request(good_primes()),
    "RSA-PSS": lambda: shapes.built(
        rsa_key(), hashes.SHA256(), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    ),
    "old header": lambda: pem(request(), "NEW CERTIFICATE REQUEST"),
    "text around it": lambda: (
        b"Certificate Request:\n  Subject: CN=phone\n" + pem(request()) + b"\nRegards, Anna\n"
    ),
    "Windows lines": lambda: pem(request()).replace(b"\n", b"\r\n"),
    "blanks for line ends": lambda: (
        pem(request())[:35] + pem(request())[35:-34].replace(b"\n", b" ") + pem(request())[-34:]
    ),
    "byte order mark": lambda: b"\xef\xbb\xbf" + pem(request()),
    "UTF-16": lambda: pem(request()).decode().encode("utf-16"),
    "UTF-16 without mark": lambda: pem(request()).decode().encode("utf-16-le"),
    "CA:TRUE": lambda: asked(extension("2.5.29.19", sequence(b"\1\1\xff", shapes.integer(3)), critical=True)),
    "all key usages": lambda: asked(extension("2.5.29.15", b"\3\2\0\xfe", critical=True)),
    "any purpose": lambda: asked(
        extension("2.5.29.37", sequence(oid("2.5.29.37.0"), oid("1.3.6.1.4.1.311.20.2.2")))
    ),
    "foreign names": lambda: alternatives(
        tlv(0x82, b"www.example.com"), tlv(0x82, b"*.bank.example"), tlv(0x87, b"\x08" * 4)
    ),
    "UPN": lambda: alternatives(other_name(UPN, tlv(0x0C, b"administrator@corp.example"))),
    "UPN not UTF-8": lambda: alternatives(other_name(UPN, tlv(0x0C, b"\xff\xfe"))),
    "UPN malformed": lambda: alternatives(other_name(UPN, sequence(b"\x0c\x05ab"[:2], b"abcde"))),
    "unknown other name": lambda: alternatives(other_name("1.2.3.4", tlv(4, bytes(500)))),
    "e-mail and URI": lambda: alternatives(
        tlv(0x81, b"boss@example.com"), tlv(0x86, b"https://example.com/?<script>")
    ),
    "directory name": lambda: alternatives(tlv(0xA4, name(attribute("admin"), attribute("x", OU)))),
    "2,000 names": lambda: many_names(2_000),
    "NUL": titled("phone\0.example.com"),
    "newline": titled("phone\nO=Bank"),
    "right to left": titled("\u202eenohp"),
    "homoglyph": titled("\u0440hone"),
    "10,000 characters": titled("a" * 10_000),
    "escape sequences": titled("\x1b[31mred\x07"),
    "script": titled("<script>alert(1)</script>"),
    "empty subject": lambda: request(name()),
    "empty name": titled(""),
    "two names": lambda: request(name(attribute("first"), attribute("second"))),
    "several in one RDN": lambda: request(sequence(tlv(0x31, attribute("x", OU), attribute("phone")))),
    "1,000 units": lambda: request(name(*(attribute(f"unit {number}", OU) for number in range(1000)))),
    "unknown attribute": lambda: request(name(attribute("x", "1.2.3.4.5"), attribute("phone"))),
    "two-byte string": titled("phöne".encode("utf-16-be"), shapes.BMP),
    "unknown critical extension": lambda: asked(extension("1.2.3.4.5", bytes(range(100)), critical=True)),
    "100 unknown extensions": lambda: asked(*(extension(f"1.2.3.{number}", NULL) for number in range(100))),
    "challenge password": lambda: request(
        attributes=sequence(oid("1.2.840.113549.1.9.7"), tlv(0x31, tlv(0x0C, b"swordfish")))
    ),
}
