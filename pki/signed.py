"""SignedData of CMS (RFC 5652 5): opened when its one signature holds, and made. RSA only (RFC 8894 2.9)."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pki import der, keypolicy
from pki.ber import Element
from pki.failinfo import refusal

DATA = der.oid("1.2.840.113549.1.7.1")
SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
RSA = der.oid("1.2.840.113549.1.1.1")
EXPLICIT_0, EXPLICIT_1 = 0xA0, 0xA1

# SHA-1 is what old phones and printers can do. It does not protect a certificate here: what a CSR is signed
# with has stricter rules (pki/csr.py), and a reply holds a nonce of ours that nobody can foresee.
DIGESTS: dict[bytes, hashes.HashAlgorithm] = {
    der.oid("1.3.14.3.2.26"): hashes.SHA1(),  # noqa: S303
    der.oid("2.16.840.1.101.3.4.2.1"): hashes.SHA256(),
    der.oid("2.16.840.1.101.3.4.2.2"): hashes.SHA384(),
    der.oid("2.16.840.1.101.3.4.2.3"): hashes.SHA512(),
}
_WITH_RSA = {  # RFC 8017 A.2.4; plain rsaEncryption goes with any digest (RFC 3370 3.2)
    der.oid("1.2.840.113549.1.1.5"): "sha1",
    der.oid("1.2.840.113549.1.1.11"): "sha256",
    der.oid("1.2.840.113549.1.1.12"): "sha384",
    der.oid("1.2.840.113549.1.1.13"): "sha512",
}

Attributes = Mapping[bytes, Sequence[Element]]  # DER of the OID: its values


@dataclass(frozen=True)
class Signed:
    """What a SignedData says, its signature verified: with the key in the certificate it brought along.

    Nothing is known of that certificate but that whoever sent this holds its key.
    """

    content: bytes  # b"" when there is none
    signer: x509.Certificate
    digest: bytes  # DER of the digest algorithm's OID
    attributes: Attributes


def read(info: Element) -> Signed:
    """A ContentInfo with SignedData and one SignerInfo with signed attributes.

    Raises MessageRejected; on what is not built like that, ValueError or x509's errors.
    """
    kind, explicit = info.parts
    if kind.der != SIGNED_DATA:
        raise refusal("damaged")
    _, _, encapsulated, *optional, signers = explicit.has(EXPLICIT_0).parts[0].parts
    certificates = [part for field in optional if field.tag == EXPLICIT_0 for part in field.parts]
    (signer_info,) = signers.has(der.SET).parts
    return _verified(_content(encapsulated), certificates, signer_info)


def _content(encapsulated: Element) -> bytes:
    kind, *explicit = encapsulated.parts
    if kind.der != DATA:
        raise refusal("damaged")
    return explicit[0].has(EXPLICIT_0).parts[0].has(der.OCTET_STRING).content if explicit else b""


def _verified(content: bytes, certificates: list[Element], info: Element) -> Signed:
    _, who, digest_algorithm, signed, signature_algorithm, signature, *_ = info.parts
    digest = _algorithm(digest_algorithm)
    if digest not in DIGESTS:
        raise refusal("algorithm")
    if _WITH_RSA.get(_algorithm(signature_algorithm), DIGESTS[digest].name) != DIGESTS[digest].name or (
        _algorithm(signature_algorithm) not in {RSA, *_WITH_RSA}
    ):
        raise refusal("algorithm")
    signer = x509.load_der_x509_certificate(_named(who, certificates).der)
    _ = signer.issuer, signer.subject  # read when asked for, so that now is when a broken name raises
    attributes = _attributes(signed.has(EXPLICIT_0))
    _check_digest(attributes, content, DIGESTS[digest])
    _check_signature(signer, signed.parts, signature.has(der.OCTET_STRING).content, DIGESTS[digest])
    return Signed(content, signer, digest, attributes)


def _algorithm(identifier: Element) -> bytes:
    return identifier.has(der.SEQUENCE).parts[0].has(der.OID).der


def issuer_and_serial(certificate: Element) -> tuple[bytes, bytes]:
    """DER of a certificate's issuer and serial number, as they stand in it (RFC 5280 4.1)."""
    serial, _, issuer, *_ = [part for part in certificate.parts[0].parts if part.tag != EXPLICIT_0]
    return issuer.der, serial.der


def _named(who: Element, certificates: list[Element]) -> Element:
    """The certificate that a SignerIdentifier (RFC 5652 5.3: issuerAndSerialNumber) means."""
    issuer, serial = (part.der for part in who.has(der.SEQUENCE).parts)
    for certificate in certificates:
        if certificate.tag == der.SEQUENCE and issuer_and_serial(certificate) == (issuer, serial):
            return certificate
    raise refusal("damaged")


def _attributes(signed: Element) -> Attributes:
    """Each attribute once (RFC 5652 11)."""
    found: dict[bytes, Sequence[Element]] = {}
    for attribute in signed.parts:
        kind, values = attribute.has(der.SEQUENCE).parts
        if kind.der in found:
            raise refusal("attributes")
        found[kind.der] = values.has(der.SET).parts
    return found


def _check_digest(attributes: Attributes, content: bytes, algorithm: hashes.HashAlgorithm) -> None:
    digest = hashes.Hash(algorithm)
    digest.update(content)
    if [value.der for value in attributes.get(CONTENT_TYPE, ())] != [DATA]:
        raise refusal("attributes")
    (value,) = attributes.get(MESSAGE_DIGEST, ()) or (Element(0),)
    if not hmac.compare_digest(value.content, digest.finalize()):
        raise refusal("signature")


def _check_signature(
    signer: x509.Certificate, attributes: Sequence[Element], signature: bytes, digest: hashes.HashAlgorithm
) -> None:
    """Over the attributes as a SET OF (RFC 5652 5.4): in the order of DER, or as they came; both are met."""
    key = signer.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in keypolicy.RSA_BITS:
        raise refusal("signer-key")
    if key.public_numbers().e != keypolicy.RSA_EXPONENT:
        raise refusal("signer-key")
    encoded = [attribute.der for attribute in attributes]
    for text in dict.fromkeys((der.tlv(der.SET, *encoded), der.set_of(*encoded))):
        try:
            key.verify(signature, text, padding.PKCS1v15(), digest)
        except InvalidSignature:
            continue
        return
    raise refusal("signature")


def sign(
    content: bytes,
    attributes: Mapping[bytes, bytes],
    key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    digest: bytes,
) -> bytes:
    """DER of a ContentInfo with SignedData by one signer, whose certificate comes along.

    `attributes`: DER of an OID to DER of its one value; content type and digest are added.
    """
    algorithm = DIGESTS[digest]
    hashed = hashes.Hash(algorithm)
    hashed.update(content)
    values = {CONTENT_TYPE: DATA, MESSAGE_DIGEST: der.octets(hashed.finalize()), **attributes}
    signed = der.set_of(*(der.sequence(kind, der.set_of(value)) for kind, value in values.items()))
    identifier = der.sequence(digest, der.NULL)
    info = der.sequence(
        der.integer(1),
        der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number)),
        identifier,
        bytes([EXPLICIT_0]) + signed[1:],
        der.sequence(RSA, der.NULL),
        der.octets(key.sign(signed, padding.PKCS1v15(), algorithm)),
    )
    return wrapped(
        SIGNED_DATA,
        der.integer(1),
        der.set_of(identifier),
        der.sequence(DATA, der.tlv(EXPLICIT_0, der.octets(content))),
        der.tlv(EXPLICIT_0, certificate.public_bytes(Encoding.DER)),
        der.set_of(info),
    )


def degenerate(certificates: Sequence[bytes], crls: Sequence[bytes]) -> bytes:
    """DER of a SignedData with certificates or CRLs only (RFC 5652 5.2, RFC 8894 3.4)."""
    return wrapped(
        SIGNED_DATA,
        der.integer(1),
        der.set_of(),
        der.sequence(DATA),
        *([der.tlv(EXPLICIT_0, *sorted(certificates))] if certificates else []),
        *([der.tlv(EXPLICIT_1, *sorted(crls))] if crls else []),
        der.set_of(),
    )


def wrapped(kind: bytes, *fields: bytes) -> bytes:
    """DER of a ContentInfo (RFC 5652 3) with a SEQUENCE of `fields`."""
    return der.sequence(kind, der.tlv(EXPLICIT_0, der.sequence(*fields)))
