"""What can go wrong between a certification request and a certificate: one family, mapped once at each edge.

Every message is a sentence for people. `remedy` says what to do next, where there is something to do.
"""


class PkiError(Exception):
    """The family. `code` is a stable word for machines, `str(error)` a sentence, `remedy` the way out."""

    def __init__(self, message: str, *, code: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


class CSRRejected(PkiError):
    """The bytes are no acceptable certification request."""


class MessageRejected(PkiError):
    """The bytes are no acceptable SCEP message. `pki.failinfo` says which number (RFC 8894) that is."""


class IssuanceRefused(PkiError):
    """The signer will not make this certificate, and asking again will not change that."""


class SignerUnavailable(PkiError):
    """The signer does not answer. What was asked is to be asked again later."""


class CertificateRejected(PkiError):
    """A presented certificate is not a live one of ours."""
