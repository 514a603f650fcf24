"""CMS (RFC 5652): for now the degenerate form that only carries certificates, known as .p7b."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7


def certs_only(certificates: list[bytes]) -> bytes:
    """DER certificates -> DER of a SignedData without content and signers (RFC 5652 5.1, RFC 8551 3.8).

    They are a SET there, so their order is lost. Raises ValueError when there is none or one is malformed.
    """
    if not certificates:
        raise ValueError("no certificates")
    return pkcs7.serialize_certificates(
        [x509.load_der_x509_certificate(der) for der in certificates], Encoding.DER
    )
