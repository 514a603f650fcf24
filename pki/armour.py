"""From what somebody sent to the DER of one certification request, or a refusal that names what it is."""

import base64
import binascii
import codecs
import re

from pki import der
from pki.refusals import refusal

MAX_BYTES = 64 * 1024

# Bounded repeats: matching stays linear whatever the 64 KiB hold.
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,60})-----")
_PRIVATE = re.compile(
    rb"BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File|\"d\"\s{0,9}:\s{0,9}\"[\w-]{20}"
)
_SSH = re.compile(rb"\s{0,99}(ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-|---- BEGIN SSH2)")

# RFC 7468 7: the first is the label, the second one of old Microsoft and Netscape tools.
_REQUESTS = (b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")
_LABELS = {
    b"CERTIFICATE": "certificate",
    b"X509 CERTIFICATE": "certificate",
    b"TRUSTED CERTIFICATE": "certificate",
    b"PKCS12": "pkcs12",
    b"PUBLIC KEY": "public-key",
    b"RSA PUBLIC KEY": "public-key",
    b"SSH2 PUBLIC KEY": "ssh-key",
    b"PKCS7": "pkcs7",
    b"CMS": "pkcs7",
    b"X509 CRL": "crl",
}


def unpack(data: bytes) -> bytes:
    """PEM, base64 or DER as sent -> the bytes that should be the request's DER; raises CSRRejected."""
    if len(data) > MAX_BYTES:
        raise refusal("too-large")
    text = _plain(data)
    if not text.strip(b" \t\r\n\0"):
        raise refusal("empty")
    if _PRIVATE.search(text):  # before everything else, also when a request stands beside it
        raise refusal("private-key")
    if b"-----BEGIN " in text:
        return _from_pem(text)
    if data[0] == der.SEQUENCE:
        return data
    raise refusal(_without_armour(text))


def _plain(data: bytes) -> bytes:
    """Text in the encodings of Windows (byte order mark, UTF-16) as plain bytes; anything else as it is."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode()
    if b"-\0-\0-\0" in data[:4096]:
        return data.decode("utf-16-le" if data.startswith(b"-\0") else "utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _from_pem(text: bytes) -> bytes:
    """The content of the only PEM block in `text`; text around it (`openssl req -text`) does not count."""
    labels = _BEGIN.findall(text)
    if len(labels) > 1 or text.count(b"-----BEGIN ") > max(1, len(labels)):
        raise refusal("several")
    if not labels:
        raise refusal("damaged")
    label = labels[0]
    if label not in _REQUESTS:
        raise refusal(_LABELS.get(label, "other-block"))
    _, _, rest = text.partition(b"-----BEGIN " + label + b"-----")
    body, end, _ = rest.partition(b"-----END " + label + b"-----")
    if not end:
        raise refusal("truncated")
    found = _base64(body)
    if not found:
        raise refusal("damaged")
    return found


def _base64(text: bytes) -> bytes:
    """The decoded bytes, or b"" when this is not base64 and white space."""
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""


def _without_armour(text: bytes) -> str:
    """The code for something that is neither PEM nor DER."""
    if _SSH.match(text):
        return "ssh-key"
    if b"BEGIN" in text and b"REQUEST" in text:
        return "damaged"
    inside = _base64(text)
    if inside[:1] == bytes([der.SEQUENCE]):
        return instead(inside) or "unarmoured"
    return "not-a-csr"


def instead(data: bytes) -> str | None:
    """The refusal code for DER (or its beginning) that is no request, by its first tags; None: maybe it is.

    RFC 2986 4: a request is SEQUENCE { SEQUENCE { INTEGER 0, SEQUENCE … } … }.
    """
    if data[:2] == b"\x30\x80":  # BER of indefinite length, as Java and Firefox write PKCS#12: make it long
        data = b"\x30\x84\x7f\xff\xff\xff" + data[2:]
    parts = der.children(data)
    tags = [tag for tag, _, _ in parts]
    if not tags:
        return None
    if tags[0] == der.INTEGER:
        return _starting_with_integer(data, parts)
    if tags[0] == der.OID:
        return "pkcs7"  # RFC 5652 3: ContentInfo
    inner = [tag for tag, _, _ in der.children(data, der.header(data, 0)[1])]
    if inner[:1] == [der.OID]:  # an AlgorithmIdentifier: RFC 5958 3 (encrypted) or RFC 5280 4.1 (public)
        return "public-key" if der.BIT_STRING in tags else "private-key"  # when cut off: the worse of the two
    if inner[:1] == [0xA0]:  # RFC 5280 4.1: the explicit version of a certificate
        return "certificate"
    return None


def _starting_with_integer(data: bytes, parts: list[tuple[int, int, int]]) -> str:
    """PKCS#12 (RFC 7292 4: version 3), a bare RSA public key (RFC 8017 A.1.1), or any private key."""
    _, start, end = parts[0]
    if data[start:end] == b"\x03":
        return "pkcs12"
    if end - start > 8 and [tag for tag, _, _ in parts] == [der.INTEGER, der.INTEGER]:
        return "public-key"
    return "private-key"
