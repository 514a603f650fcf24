"""The configuration profile that lets an iPhone, iPad or Mac make its own key and fetch its certificate.

A property list as Apple's schema names it (device-management: TopLevel, com.apple.security.scep,
com.apple.security.root, com.apple.webClip.managed), signed as CMS. It holds the one-time challenge, so it
is for one person's eyes; nothing else in it is secret. `application/x-apple-aspen-config`, `*.mobileconfig`.
"""

import plistlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

CONTENT_TYPE = "application/x-apple-aspen-config"
PREFIX = "household.latchkey"  # of identifiers, in reverse-DNS style; nobody looks them up

KEY_SIZE = 2048  # left out it would be 1024
SIGNING, ENCRYPTION = 1, 4  # RSA enciphers too: the answer of SCEP comes in an envelope for this key
RETRIES, RETRY_DELAY = 3, 10  # times, seconds

Payload = dict[str, object]


@dataclass(frozen=True)
class Enrolment:
    """One device that was approved. Texts are Unicode without control characters."""

    request: UUID  # of the approved request: the same again gives the same profile, which replaces itself
    scep_url: str
    challenge: str
    organization: str
    common_name: str
    ca_root: bytes  # DER of the root that SCEP's GetCACert ends in
    roots: tuple[bytes, ...]  # DER of the CA certificates to install; () with a public server certificate
    door_url: str
    door_label: str  # under the icon on the home screen
    icon: bytes = b""  # PNG, square, 400 x 400 at most; without it there is a white square


def profile(enrolment: Enrolment) -> bytes:
    """The property list in XML, not signed yet. Raises ValueError on a text with control characters."""
    name = enrolment.common_name
    top = _payload(enrolment, "Configuration", f"{enrolment.organization}: {name}")
    top |= {
        "PayloadOrganization": enrolment.organization,
        "PayloadDescription": f"Lets “{name}” through the door of {enrolment.organization}. "
        "The key is made on this device and never leaves it.",
        "PayloadContent": [
            *(_root(enrolment, number, der) for number, der in enumerate(enrolment.roots)),
            _scep(enrolment),
            _web_clip(enrolment),
        ],
    }
    return plistlib.dumps(top, sort_keys=False)


def _payload(enrolment: Enrolment, kind: str, display: str, part: str = "") -> Payload:
    """What every payload has: type, version, identifier, UUID, and a name for people."""
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": ".".join(filter(None, (PREFIX, str(enrolment.request), part))),
        "PayloadUUID": str(uuid5(enrolment.request, part)).upper(),
        "PayloadDisplayName": display,
    }


def _scep(enrolment: Enrolment) -> Payload:
    """The subject is only what the phone asks for: the certificate has what was approved."""
    subject = [[["O", enrolment.organization]], [["CN", enrolment.common_name]]]
    content: Payload = {
        "URL": enrolment.scep_url,
        "Name": enrolment.organization,
        "Subject": subject,  # a list of RDNs, each a list of pairs; one level less and iOS takes none of it
        "Challenge": enrolment.challenge,
        "Keysize": KEY_SIZE,
        "Key Type": "RSA",
        "Key Usage": SIGNING | ENCRYPTION,
        "CAFingerprint": _fingerprint(enrolment.ca_root),
        "Retries": RETRIES,
        "RetryDelay": RETRY_DELAY,
        "KeyIsExtractable": False,  # macOS; on iOS no key is
    }
    kind = "com.apple.security.scep"
    return _payload(enrolment, kind, f"Key of {enrolment.common_name}", "scep") | {"PayloadContent": content}


def _fingerprint(der: bytes) -> bytes:
    """SHA-1, though it is old: Apple's SecSCEPValidateCACertMessage knows that and MD5, by their lengths, and
    refuses the CA for any other. To pass off another root takes a second preimage, which SHA-1 withstands."""
    return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA1())  # noqa: S303


def _root(enrolment: Enrolment, number: int, der: bytes) -> Payload:
    found = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    display = str(found[0].value) if found else f"CA {number + 1}"
    payload = _payload(enrolment, "com.apple.security.root", display, f"root-{number + 1}")
    return payload | {"PayloadCertificateFileName": f"root-{number + 1}.cer", "PayloadContent": der}


def _web_clip(enrolment: Enrolment) -> Payload:
    """The door's icon on the home screen. Not full screen: only Safari itself offers certificates."""
    payload = _payload(enrolment, "com.apple.webClip.managed", enrolment.door_label, "door")
    payload |= {"URL": enrolment.door_url, "Label": enrolment.door_label, "FullScreen": False}
    payload |= {"IsRemovable": True}
    return payload | ({"Icon": enrolment.icon, "Precomposed": True} if enrolment.icon else {})


def sign(
    plist: bytes,
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    chain: Sequence[x509.Certificate],
) -> bytes:
    """CMS SignedData in DER with the list inside. `chain`: the CAs above, for phones to show "Verified"."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(plist).add_signer(certificate, key, hashes.SHA256())
    for above in chain:
        builder = builder.add_certificate(above)
    # Binary: without it line ends become CR LF, and the content is not what was signed (RFC 8551 3.1.1).
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
