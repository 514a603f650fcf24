"""What is wrong with a SCEP message: a sentence for the log, a number for the asker (RFC 8894 3.2.1.4.5)."""

from enum import IntEnum

from pki.errors import CSRRejected, MessageRejected, PkiError


class FailInfo(IntEnum):
    BAD_ALG = 0
    BAD_MESSAGE_CHECK = 1
    BAD_REQUEST = 2
    BAD_CERT_ID = 4


# Whatever goes wrong once a message is being deciphered is "sealed": somebody who changes a recorded message
# bit by bit must not learn from the answers what is inside, a challenge for instance (RFC 3218, Vaudenay).
REFUSALS: dict[str, tuple[str, FailInfo]] = {
    "too-large": ("The message is larger than 128 KiB.", FailInfo.BAD_REQUEST),
    "nested": ("The message is nested too deep, or has too many parts.", FailInfo.BAD_REQUEST),
    "damaged": ("The message is damaged, or no signed CMS message at all.", FailInfo.BAD_MESSAGE_CHECK),
    "algorithm": (
        "The message uses an algorithm that is not accepted: AES-128, AES-256 or 3DES in CBC mode, RSA, "
        "and SHA-1 or SHA-2 are.",
        FailInfo.BAD_ALG,
    ),
    "signer-key": (
        "The signer's key is not RSA of 2048 to 4096 bits with the exponent 65537.",
        FailInfo.BAD_ALG,
    ),
    "signature": ("The message's signature does not hold.", FailInfo.BAD_MESSAGE_CHECK),
    "attributes": ("A signed attribute is missing, malformed or there twice.", FailInfo.BAD_REQUEST),
    "message-type": ("This kind of message is not answered here.", FailInfo.BAD_REQUEST),
    "recipient": ("The message is enciphered for somebody else.", FailInfo.BAD_MESSAGE_CHECK),
    "sealed": ("The message cannot be deciphered.", FailInfo.BAD_MESSAGE_CHECK),
}

_CSR_ALGORITHM = ("key-", "weak-signature", "signature-algorithm")
_CSR_UNREADABLE = ("damaged", "truncated", "not-a-csr", "signature", "nested")


def refusal(code: str) -> MessageRejected:
    """The rejection for `code`, a key of REFUSALS."""
    return MessageRejected(REFUSALS[code][0], code=code)


def fail_info(error: PkiError) -> FailInfo:
    """What to answer for any of our errors. A certificate nobody has is for the caller: BAD_CERT_ID."""
    if isinstance(error, MessageRejected):
        return REFUSALS[error.code][1]
    if isinstance(error, CSRRejected) and error.code.startswith(_CSR_ALGORITHM):
        return FailInfo.BAD_ALG
    if isinstance(error, CSRRejected) and error.code in _CSR_UNREADABLE:
        return FailInfo.BAD_MESSAGE_CHECK
    return FailInfo.BAD_REQUEST
