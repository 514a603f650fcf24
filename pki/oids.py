"""Object identifiers of our own.

They stand under the arc that Microsoft gives to anybody, filled with a random UUID in pieces of 16 and 24
bits (its oidgen script). 2.25.<UUID> (ITU-T X.667) would be shorter, but is one arc of 128 bits: pkilint, and
Go's crypto/x509 with everything built on it, cannot read a document with an arc beyond 32 bits at all.
"""

from cryptography import x509

_OURS = "1.2.840.113556.1.8000.2554.48236.419.5769.17037.46568.8057506.6277448"

# The audit chain's head in a CRL, so that a later truncation of the audit shows. Not critical: software that
# does not know it passes over it (RFC 5280 5.2). The value is an OCTET STRING: 32 bytes of SHA-256.
AUDIT_HEAD = x509.ObjectIdentifier(f"{_OURS}.1")
