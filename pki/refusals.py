"""Every reason for which bytes are no acceptable certification request: one sentence, and the way out.

The sentences never repeat what was sent: it may be a private key, or text made to deceive.
"""

from pki.errors import CSRRejected

FIRST_LINE = "-----BEGIN CERTIFICATE REQUEST-----"
_AGAIN = "Make a new request with the commands shown below and send that file."
_CHOOSE = (
    f"Choose the file whose first line is {FIRST_LINE}; with openssl it is the one that `req -new` wrote."
)
_OPENSSL_KEYS = "Make a new key, for example P-256, with the commands shown below, and a request with it."

REFUSALS: dict[str, tuple[str, str]] = {
    "empty": (
        "There is nothing in it.",
        "Paste the request or choose its file; below it says how to make one.",
    ),
    "too-large": (
        "This is larger than 64 KiB; a certification request is one or two.",
        f"You have probably picked another file. {_CHOOSE}",
    ),
    "several": (
        "There is more than one PEM block in it, and it is not clear which one is meant.",
        f"Send a single block, from {FIRST_LINE} to its END line.",
    ),
    "certificate": ("This is a certificate, not a certification request.", _CHOOSE),
    "private-key": (
        "This contains a private key. Never send one to anybody: whoever has it can pose as you. "
        "It was not stored.",
        "Treat this key as spoiled: make a new key and a new request, and send only the request.",
    ),
    "pkcs12": (
        "This is a PKCS#12 file (.p12, .pfx); it may hold a private key: never send one. It was not stored.",
        f"Send only the certification request. {_CHOOSE}",
    ),
    "public-key": (
        "This is only a public key. A request also has a signature, to prove that you hold the private key.",
        "Make a request from your key: openssl req -new -key device.key -out device.csr",
    ),
    "ssh-key": (
        "This is an SSH key, not a certification request.",
        "SSH keys stay where they are. Make a key and a request of their own with the commands shown below.",
    ),
    "pkcs7": ("This is a PKCS#7 file (.p7b), not a certification request.", _CHOOSE),
    "crl": ("This is a certificate revocation list, not a certification request.", _CHOOSE),
    "other-block": ("This PEM block is something else than a certification request.", _CHOOSE),
    "truncated": (
        "The end of the request is missing.",
        "Copy all of it, including the END line, or choose the file instead of pasting.",
    ),
    "unarmoured": (
        "This looks like the inside of a request, without its first and last line.",
        f"Copy all of it, from {FIRST_LINE} to -----END CERTIFICATE REQUEST-----.",
    ),
    "not-a-csr": (
        "This is not a certification request.",
        f"{_CHOOSE} Or make one with the commands shown below.",
    ),
    "extensions": (
        "The list of extensions in this request is malformed; one of them may be there twice.",
        _AGAIN,
    ),
    "subject": ("The subject of this request is malformed and cannot be read.", _AGAIN),
    "damaged": (
        "This looks like a certification request, but it is damaged and cannot be read.",
        f"Copy it again without changes, or choose the file instead of pasting. Otherwise: {_AGAIN}",
    ),
    "nested": (
        "The structures in this file are nested deeper than any certification request has them.",
        _AGAIN,
    ),
    "signature": (
        "The signature in this request does not match its key, so it does not prove that you hold the "
        "private key (RFC 2986). It was changed on its way, or made wrongly.",
        f"Copy it again without changes. If that does not help: {_AGAIN}",
    ),
    "weak-signature": (
        "This request is signed with a digest that can be forged (SHA-1, MD5 or older).",
        "Make the request again with SHA-256: openssl req -new -sha256 -key device.key -out device.csr",
    ),
    "signature-algorithm": (
        "This request is signed in a way that is not accepted here.",
        "Make the request again with SHA-256: openssl req -new -sha256 -key device.key -out device.csr",
    ),
    "key-size": ("RSA keys must have 2048 to 4096 bits.", _OPENSSL_KEYS),
    "key-exponent": (
        "The public exponent of this RSA key is not 65537, the only one accepted here.",
        _OPENSSL_KEYS,
    ),
    "key-type": (
        "Keys of this kind are not accepted; P-256, P-384, P-521, Ed25519 and RSA of 2048 to 4096 bits are.",
        _OPENSSL_KEYS,
    ),
    "key-weak": (
        "This key is known to be weak: its private key can be worked out from the public one.",
        "Do not use this key anywhere. Update the program or device that made it, then make a new key.",
    ),
}


def refusal(code: str, sentence: str = "") -> CSRRejected:
    """The rejection for `code`, a key of REFUSALS; `sentence` says it more exactly than the table can."""
    message, remedy = REFUSALS[code]
    return CSRRejected(sentence or message, code=code, remedy=remedy)
